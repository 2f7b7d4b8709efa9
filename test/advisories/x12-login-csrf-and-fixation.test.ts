import { afterAll, beforeAll, expect, test } from 'vitest'
import { formType, loginPath } from '../edge-auth.ts'
import { describeWith } from '../peers.ts'
import { type Box, openBox, password } from './boxed.ts'

describeWith(
  ['nginx', 'caddy'],
  'X12: nobody is signed in by another site, or into a session known before',
  () => {
    let box: Box
    beforeAll(async () => {
      box = await openBox()
    })
    afterAll(() => box[Symbol.asyncDispose]())

    const tokenOf = (text: string): string => /name="form_token" value="([^"]*)"/.exec(text)?.[1] ?? ''
    const logoutPath = '/device/edge/auth/logout'

    test('a login that another origin sends is refused, with or without our cookie', async () => {
      for (const { name, url, browser } of box.proxies)
        for (const foreign of [
          { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
          { origin: 'https://evil.example' },
          { origin: 'null' },
          { origin: url.replace('https:', 'http:') },
          { origin: `${url}0` },
          { 'sec-fetch-site': 'same-site' },
          { 'sec-fetch-site': 'none' },
          { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' },
        ]) {
          const victim = browser()
          const form_token = tokenOf((await victim.get(loginPath)).text)
          const body = new URLSearchParams({ form_token, username: 'ann', password }).toString()
          const answer = await victim.send('POST', loginPath, { 'content-type': formType, ...foreign }, body)
          expect(
            [answer.status, victim.cookies.has('access_token')],
            `${name} ${JSON.stringify(foreign)}`,
          ).toEqual([...[403, false]])
        }
    })

    test('a login without the form’s token, or with another’s, is refused', async () => {
      for (const { browser } of box.proxies) {
        const [ann, attacker] = [browser(), browser()]
        const own = tokenOf((await ann.get(loginPath)).text)
        const other = tokenOf((await attacker.get(loginPath)).text)
        expect(other).not.toBe(own)
        for (const form_token of ['', other, `${own}x`])
          expect((await ann.post(loginPath, { form_token, username: 'ann', password })).status).toBe(403)
        expect((await browser().post(loginPath, { form_token: own, username: 'ann', password })).status).toBe(
          403,
        )
      }
    })

    test('a session never has an identifier that was known before its login, nor one of another', async () => {
      const [{ browser }] = box.proxies as [Box['proxies'][number]]
      const ann = browser()
      const planted = await box.token('vic')
      ann.cookies.set('access_token', planted)
      const form = await ann.get(`${loginPath}?x=1`)
      const before = ann.cookies.get('edgeward_login')
      ann.cookies.delete('access_token')
      await ann.get(loginPath)
      const seen = new Set([planted, before])
      for (let round = 0; round < 2; round++) {
        await ann.signIn(loginPath)
        const token = ann.cookies.get('access_token') as string
        const { jti } = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString())
        expect([seen.has(token), seen.has(jti)]).toEqual([false, false])
        seen.add(token).add(jti)
        expect(token).not.toContain(ann.cookies.get('edgeward_login') ?? 'none')
        ann.cookies.delete('access_token')
      }
      expect(form.status).toBe(200)
    })

    test('what a form’s cookie holds opens nothing', async () => {
      for (const { browser } of box.proxies) {
        const ann = browser()
        await ann.get(loginPath)
        ann.cookies.set('access_token', ann.cookies.get('edgeward_login') as string)
        expect((await ann.get('/press/')).status).toBe(302)
      }
    })

    test('one is signed out by POST from our own pages alone', async () => {
      for (const { browser } of box.proxies) {
        const ann = browser()
        await ann.signIn(loginPath)
        const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
        expect((await ann.get(logoutPath)).status).toBe(405)
        expect((await ann.send('POST', logoutPath, foreign)).status).toBe(403)
        expect((await ann.get('/press/')).status).toBe(200)
        expect((await ann.post(logoutPath, {})).status).toBe(303)
        expect((await ann.get('/press/')).status).toBe(302)
      }
    })
  },
)
