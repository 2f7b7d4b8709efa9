import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkProxy } from '../cli/proxy-check/check.ts'
import { createBrowser } from './browser.ts'
import { password, startEdgeAuth } from './edge-auth.ts'
import { describeWith } from './peers.ts'
import { type EchoApp, makeCertificate, type RunningProxy, type StartProxy, startEcho } from './proxies.ts'

/** What holds behind every proxy that we write the configuration of. */
export function describeBehind(kind: 'nginx' | 'caddy', start: StartProxy): void {
  describeWith([kind], `behind ${kind}, as we configure it,`, () => {
    const held = new AsyncDisposableStack()
    let edge: Awaited<ReturnType<typeof startEdgeAuth>>
    let echo: EchoApp
    let proxy: RunningProxy
    let ca: string
    const signedIn = async (user = 'ann') => {
      const browser = createBrowser(proxy.url, ca)
      await browser.signIn('/device/edge/auth/login', user)
      return browser
    }

    beforeAll(async () => {
      edge = held.use(await startEdgeAuth())
      ca = await makeCertificate(edge.dir)
      echo = await startEcho(held)
      await edge.addUser('ann', 'Operator')
      await edge.addUser('vic', 'Viewer')
      for (const [name, settings] of Object.entries(apps)) {
        await edge.run('app.add', { name, version: '1' })
        await edge.run('app.set', { name, upstream: echo.url, ...settings })
      }
      const { text } = (await edge.run('proxy.config', { proxy: kind })) as { text: string }
      proxy = await start(held, edge.dir, text)
    })
    afterAll(() => held.disposeAsync())

    const apps = {
      press: { path: '/press/', roles: ['Operator'], public: ['/press/andon/'] },
      'press.logs': { path: '/press/logs/', methods: ['GET'] },
      secretive: { path: '/secretive/', withhold_token: true },
    }

    test('one signs in on the way to an app, lands there, and signs out', async () => {
      const browser = createBrowser(proxy.url, ca)
      const turnedAway = await browser.get('/press/page?tab=2&x=1')
      expect([turnedAway.status, turnedAway.headers.location]).toEqual([
        302,
        '/device/edge/auth/login?rd=%2Fpress%2Fpage%3Ftab%3D2%26x%3D1',
      ])
      const landed = await browser.signIn(turnedAway.headers.location as string)
      expect(landed.headers.location).toBe('/press/page?tab=2&x=1')
      const page = await browser.get('/press/page?tab=2&x=1')
      expect(JSON.parse(page.text)).toMatchObject({ app: true, target: '/press/page?tab=2&x=1' })

      const token = browser.cookies.get('access_token') as string
      const left = await browser.post('/device/edge/auth/logout', {})
      expect(left.headers.location).toBe('/device/edge/auth/login')
      browser.cookies.set('access_token', token) // kept by a thief
      expect((await browser.get('/press/')).status).toBe(302)
    })

    test('a script is told that nobody is signed in, and is led nowhere', async () => {
      const stranger = createBrowser(proxy.url, ca)
      const answer = await stranger.get('/press/', { 'sec-fetch-mode': 'cors', accept: '*/*' })
      expect([answer.status, answer.headers.location]).toEqual([401, undefined])
    })

    test('an app does not see the password that a program signs in with, but what is meant for itself', async () => {
      await edge.run('option.set', { category: 'login', key: 'basic', value: 'on' })
      const program = createBrowser(proxy.url, ca)
      const basic = (typed: string) => ({
        authorization: `Basic ${Buffer.from(`ann:${typed}`).toString('base64')}`,
        'user-agent': 'curl/8',
      })
      const { headers } = JSON.parse((await program.get('/press/', basic(password))).text)
      expect(headers).toMatchObject({ 'x-auth-user': 'ann', 'x-auth-roles': 'Operator' })
      expect(headers).not.toHaveProperty('authorization')
      expect((await program.get('/press/', { ...basic('wrong'), 'sec-fetch-mode': 'cors' })).status).toBe(401)
      const browser = await signedIn()
      const own = { authorization: 'Bearer of-the-app-itself' }
      expect(JSON.parse((await browser.get('/press/', own)).text).headers).toMatchObject(own)
      await edge.run('option.remove', { category: 'login', key: 'basic' })
    })

    test('two tabs that wait for one login each come back to their own page', async () => {
      const browser = createBrowser(proxy.url, ca)
      const [one, two] = [await browser.get('/press/one'), await browser.get('/secretive/two?x=1')]
      const first = await browser.signIn(one.headers.location as string)
      const second = await browser.get(two.headers.location as string)
      expect([first.headers.location, second.headers.location]).toEqual(['/press/one', '/secretive/two?x=1'])
    })

    test('whose roles do not fit gets a page that says so, or a problem for a script', async () => {
      const browser = await signedIn('vic')
      const page = await browser.get('/press/', { 'accept-language': 'de' })
      expect(page.status).toBe(403)
      expect(page.text).toContain('Kein Zutritt')
      expect(page.text).toContain('vic')
      const script = await browser.get('/press/', { accept: 'application/json' })
      expect([script.status, JSON.parse(script.text).code]).toEqual([403, 'access_denied'])
      expect((await browser.get('/PRESS/')).status).not.toBe(200)
      const { entries } = (await edge.run('audit.list', { type: 'access_denied' })) as {
        entries: { user?: string; reason: string; clientId?: string }[]
      }
      expect(entries).toContainEqual(
        expect.objectContaining({ user: 'vic', clientId: 'press', reason: 'role' }),
      )
    })

    test('a public sub-path is open, and nothing beside it', async () => {
      const stranger = createBrowser(proxy.url, ca)
      const board = await stranger.get('/press/andon/board')
      expect(board.status).toBe(200)
      expect(JSON.parse(board.text).headers).not.toHaveProperty('x-auth-user')
      for (const path of ['/press/andon/../', '/press/andonx', '/press/andon/%2e%2e/', '/press/andon/..;/'])
        expect((await stranger.get(path)).status).not.toBe(200)
    })

    test('a method that is not allowed does not reach the app', async () => {
      const browser = await signedIn()
      expect((await browser.get('/press/logs/1')).status).toBe(200)
      const before = echo.seen.length
      expect((await browser.post('/press/logs/1', { x: '1' })).status).toBe(403)
      expect(echo.seen.length).toBe(before)
    })

    test('an app sees the token unless it is withheld, and never a cookie of edgeward itself', async () => {
      const browser = await signedIn()
      browser.cookies.set('edgeward_admin', 'captured')
      browser.cookies.set('theme', 'dark')
      const cookieAt = async (path: string): Promise<string> =>
        (JSON.parse((await browser.get(path)).text).headers as IncomingHttpHeaders).cookie ?? ''
      const [open, withheld] = [await cookieAt('/press/'), await cookieAt('/secretive/')]
      expect(open).toMatch(/access_token=.*theme=dark/)
      expect(withheld).toBe('theme=dark')
      expect(open + withheld).not.toMatch(/edgeward_/)
    })

    test('an app learns who it is from us, whatever the client says', async () => {
      const browser = await signedIn()
      const lies = {
        ...{ 'X-Auth-User': 'root', 'x-auth-roles': 'Admin', X_Auth_User: 'root', 'X.Auth.User': 'root' },
        ...{ 'X-Auth_Roles': 'Admin', 'X-Auth-Redirect': 'https://e.example', Forwarded: 'for=127.0.0.1' },
        ...{ 'X-Forwarded-For': '127.0.0.1', 'X-Forwarded-Uri': '/public', 'X-Original-URI': '/public' },
        ...{ 'X-Http-Method-Override': 'DELETE', 'X-Edgeward-Proxy': 'guess', 'X-Edgeward-Admin': 'guess' },
      }
      const page = await browser.get('/press/?a=1', lies)
      const { headers } = JSON.parse(page.text) as { headers: IncomingHttpHeaders }
      const said = Object.entries(headers).filter(([name]) =>
        /auth|forward|original|override|edgeward/i.test(name),
      )
      expect(Object.fromEntries(said)).toEqual({
        'x-auth-user': 'ann',
        'x-auth-roles': 'Operator',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-host': new URL(proxy.url).host,
        'x-forwarded-proto': 'https',
      })
    })

    test('a token that is due is renewed on the way, and the browser gets it', async () => {
      const browser = await signedIn()
      const before = browser.cookies.get('access_token')
      edge.passTime(3_000_000)
      expect((await browser.get('/press/')).status).toBe(200)
      const after = browser.cookies.get('access_token')
      expect(after).not.toBe(before)
      expect(await edge.introspect(after as string)).toMatchObject({ active: true, sub: 'ann' })
    })

    describe('a WebSocket', () => {
      test('opens for who may enter only, with the identity that is ours', async () => {
        expect(await createBrowser(proxy.url, ca).upgrade('/press/live')).toBe(401)
        expect(await (await signedIn('vic')).upgrade('/press/live')).toBe(403)
        const browser = await signedIn()
        expect(await browser.upgrade('/secretive/live', { 'X-Auth-User': 'root', X_Auth_User: 'root' })).toBe(
          101,
        )
        const { headers, target } = echo.seen.at(-1) as EchoApp['seen'][number]
        expect([target, headers['x-auth-user'], headers.x_auth_user]).toEqual([
          '/secretive/live',
          'ann',
          undefined,
        ])
        expect(headers.cookie ?? '').not.toContain('access_token')
      })

      test('carries what both say, and is closed when its session ends or the rule changes', async () => {
        const browser = await signedIn()
        const socket = await browser.openSocket('/press/live')
        socket.write('ping')
        expect(String((await once(socket, 'data'))[0])).toBe('ping')
        const other = await (await signedIn('vic')).openSocket('/secretive/live')
        const closed = [once(socket, 'close'), once(other, 'close')]
        await edge.run('app.set', { name: 'secretive', roles: ['Operator'] })
        await browser.post('/device/edge/auth/logout', {})
        await Promise.all(closed)
        await edge.run('app.set', { name: 'secretive', roles: [] })
      })
    })

    test('neither health checks nor another name for the user agent open anything', async () => {
      const stranger = createBrowser(proxy.url, ca)
      for (const agent of ['GoogleHC/1.0', 'kube-probe/1.29', 'ELB-HealthChecker/2.0'])
        for (const path of ['/press/', '/press/healthz', '/press/ping'])
          expect((await stranger.get(path, { 'user-agent': agent })).status).toBe(302)
    })

    test('none of the known ways past a proxy leads to an app', async () => {
      const guarded = (await edge.run('guard.list')) as { path: string; public: string[] }[]
      const before = echo.seen.filter(({ target }) => !target.startsWith('/press/andon/')).length
      const findings = await checkProxy(new URL(proxy.url), guarded, 'nobody-serves-this')
      expect(findings.filter(({ verdict }) => verdict !== 'closed')).toEqual([])
      expect(findings.length).toBeGreaterThan(250)
      expect(echo.seen.filter(({ target }) => !target.startsWith('/press/andon/')).length).toBe(before)
    })

    test('what no app serves is not there', async () => {
      const browser = await signedIn()
      for (const path of ['/nowhere/', '/edgeward-verify']) expect((await browser.get(path)).status).toBe(404)
    })

    test('the direct way in by password works through it', async () => {
      const browser = createBrowser(proxy.url, ca)
      const answer = await browser.send(
        'POST',
        '/device/edge/api/v1/login/direct',
        { 'content-type': 'application/json' },
        JSON.stringify({ username: 'ann', password }),
      )
      expect([answer.status, JSON.parse(answer.text).token_type]).toEqual([200, 'Bearer'])
    })
  })
}
