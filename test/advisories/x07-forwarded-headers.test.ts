import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tempDir } from '../harness.ts'
import { describeWith } from '../peers.ts'
import { type Box, directLogin, openBox, verifyPath } from './boxed.ts'

const secret = 'b3f1c0ffee00b3f1c0ffee00b3f1c0ffee00b3f1'

describeWith(['nginx', 'caddy'], 'X7: what a request says of itself counts only from the proxy', () => {
  const held = new AsyncDisposableStack()
  let box: Box
  beforeAll(async () => {
    const file = join(held.use(await tempDir()).path, 'proxy-secret')
    await writeFile(file, `${secret}\n`)
    box = held.use(await openBox({ env: { EDGEWARD_AUTH_PROXY_SECRET_FILE: file } }))
  })
  afterAll(() => held.disposeAsync())

  const open = { 'x-forwarded-uri': '/press/andon/', 'x-forwarded-method': 'GET' }

  test('a local process that names a public path is let in nowhere', async () => {
    for (const headers of [
      open,
      { 'x-original-uri': '/press/andon/' },
      { ...open, 'x-forwarded-for': '127.0.0.1' },
    ])
      expect((await box.ask(verifyPath, { headers })).status).toBe(401)
    expect((await box.askAsProxy(verifyPath, { headers: open })).status).toBe(200)
  })

  test('that it tried is in the audit, once in a while', async () => {
    await box.ask(verifyPath, { headers: open })
    const entries = await box.audit('forwarded_header_ignored')
    expect(entries).toHaveLength(1)
    expect(entries[0]).toMatchObject({
      address: '127.0.0.1',
      detail: { headers: ['x-forwarded-uri', 'x-forwarded-method'] },
    })
  })

  test('the secret header makes a proxy that comes over TCP one, and nothing like it does', async () => {
    const withSecret = (value: string) =>
      box.ask(verifyPath, { headers: { ...open, 'x-edgeward-proxy': value } })
    expect((await withSecret(secret)).status).toBe(200)
    for (const wrong of [
      '',
      'x',
      secret.slice(1),
      `${secret}0`,
      secret.toUpperCase(),
      `${secret}, ${secret}`,
    ])
      expect((await withSecret(wrong)).status).toBe(401)
  })

  test('the address of a login is the one that the proxy saw', async () => {
    const login = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.5' },
      body: JSON.stringify({ username: 'ann', password: 'wrong password' }),
    }
    await box.ask(directLogin, login)
    for (const { browser } of box.proxies)
      await browser().send('POST', directLogin, login.headers, login.body)
    await box.askAsProxy(directLogin, login)
    const addresses = (await box.audit('login_failed')).map(({ address }) => address)
    expect(addresses).toEqual(['203.0.113.5', '127.0.0.1', '127.0.0.1', '127.0.0.1'])
  })

  test('behind a proxy a client does not change what is asked about', async () => {
    for (const { name, browser } of box.proxies)
      for (const header of [
        'X-Forwarded-Uri',
        'X-Original-Uri',
        'X-Original-Url',
        'X-Rewrite-Url',
        'X-Forwarded-Prefix',
      ]) {
        const answer = await browser().get('/press/', { [header]: '/press/andon/' })
        expect([answer.status, answer.headers.location], `${name} ${header}`).toEqual([
          302,
          '/device/edge/auth/login?rd=%2Fpress%2F',
        ])
      }
  })

  test('the way that Traefik asks is understood, and the answer is what it passes on', async () => {
    const cookie = `theme=dark; access_token=${await box.token('ann')}; edgeward_admin=x`
    const asTraefik = (uri: string, headers = {}) =>
      box.ask(`${verifyPath}?mode=redirect`, {
        headers: {
          ...{ 'x-edgeward-proxy': secret, 'x-forwarded-method': 'GET', 'x-forwarded-proto': 'https' },
          ...{
            'x-forwarded-host': 'box',
            'x-forwarded-uri': uri,
            'x-forwarded-for': '192.0.2.1',
            ...headers,
          },
        },
      })
    const passed = await asTraefik('/press/?a=1', { cookie })
    expect(passed.status).toBe(200)
    expect(passed.headers).toMatchObject({ 'x-auth-user': 'ann', 'x-auth-roles': 'Operator' })
    expect(passed.headers.cookie).toBe(cookie.replace('; edgeward_admin=x', ''))
    expect((await asTraefik('/press/')).headers.location).toBe('/device/edge/auth/login?rd=%2Fpress%2F')
    expect((await asTraefik('/press/../x', { cookie })).status).toBe(403)
  })
})
