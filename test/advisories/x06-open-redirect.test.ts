import { afterAll, beforeAll, expect, test } from 'vitest'
import { foreignTargets } from '../../cli/proxy-check/cases.ts'
import { loginPath } from '../edge-auth.ts'
import { describeWith } from '../peers.ts'
import { type Box, openBox, password } from './boxed.ts'

const further = [
  ...['/%5cevil.example', '/%09/evil.example', '/press/..//evil.example', '/a/%2e%2e//evil.example'],
  ...['/press/\\evil.example', 'http://127.0.0.1@evil.example', '//127.0.0.1/', '', ' /press', '/press#x'],
  ...['/%EF%BC%8Fevil.example', '/press?x=\\evil', '/press\u0000'],
]
const foreign = [
  ...foreignTargets.filter(({ length }) => length < 5_000),
  `/${'a'.repeat(5_000)}`,
  ...further,
]

describeWith(['nginx', 'caddy'], 'X6: no login leads to another site', () => {
  let box: Box
  beforeAll(async () => {
    box = await openBox()
  })
  afterAll(() => box[Symbol.asyncDispose]())

  const loginWith = (rd: string) => `${loginPath}?rd=${encodeURIComponent(rd)}`

  test('the form does not keep where it must not lead, and who is signed in is not sent there', async () => {
    for (const { name, browser } of box.proxies) {
      const [stranger, ann] = [browser(), browser()]
      await ann.signIn(loginPath)
      for (const rd of foreign) {
        const form = await stranger.get(loginWith(rd))
        expect(form.text, `${name} ${rd}`).not.toContain('name="rd"')
        const page = await ann.get(loginWith(rd))
        expect([page.status, page.headers.location], `${name} ${rd}`).toEqual([200, undefined])
      }
    }
  })

  test('a form that was altered on its way leads nowhere else either', async () => {
    const [{ browser }] = box.proxies as [Box['proxies'][number]]
    for (const rd of foreign) {
      const ann = browser()
      const form = await ann.get(loginPath)
      const [, token = ''] = /name="form_token" value="([^"]*)"/.exec(form.text) ?? []
      // A wrong password keeps the test quick: the form that comes back must not have it either.
      const again = await ann.post(loginPath, { form_token: token, username: 'nobody', password, rd })
      expect(again.text, rd).not.toContain('name="rd"')
      if (rd !== foreign[0] && rd !== foreign[4]) continue
      const landed = await ann.post(loginPath, { form_token: token, username: 'ann', password, rd })
      expect([landed.status, landed.headers.location], rd).toEqual([303, loginPath])
    }
  })

  test('the way to the login page is a path, whatever host the client names', async () => {
    for (const { browser } of box.proxies) {
      const headers = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' }
      const away = await browser().get('/press/x?next=//evil.example', headers)
      expect(away.headers.location).toBe(
        `${loginPath}?rd=${encodeURIComponent('/press/x?next=//evil.example')}`,
      )
    }
  })
})
