import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { introspectPath, loginPath } from '../edge-auth.ts'
import { describeWith, findProgram } from '../peers.ts'
import { type Box, openBox, password } from './boxed.ts'

const adminRoutes = [
  ...[
    ['GET', '/api/v1/session'],
    ['DELETE', '/api/v1/session'],
    ['GET', '/api/v1/sessions'],
  ],
  ...[
    ['DELETE', '/api/v1/sessions/x'],
    ['GET', '/api/v1/audit'],
  ],
] as [string, string][]

interface Administrator {
  cookie: string
  secret: string
}

async function signIn(box: Box, username: string): Promise<Administrator> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ username, password })
  const answer = await box.askAdmin('/api/v1/session', { method: 'POST', headers, body })
  expect(answer.status).toBe(201)
  const [cookie = ''] = answer.headers['set-cookie']?.[0]?.split(';') ?? []
  return { cookie, secret: JSON.parse(answer.text).secret }
}

describe('X24: what an app gets to see opens no route of the administration', () => {
  let box: Box
  beforeAll(async () => {
    box = await openBox({ proxied: false })
  })
  afterAll(() => box[Symbol.asyncDispose]())

  const statuses = async (headers: Record<string, string>): Promise<number[]> => {
    const all: number[] = []
    for (const [method, path] of adminRoutes) all.push((await box.askAdmin(path, { method, headers })).status)
    return [...new Set(all)]
  }

  test('not the access token, replayed by the server of an app, not even that of an Admin', async () => {
    const token = await box.token('ada')
    expect(await statuses({ cookie: `access_token=${token}` })).toEqual([401])
    expect(await statuses({ authorization: `Bearer ${token}` })).toEqual([401])
    expect(await statuses({ cookie: `edgeward_admin=${token}`, 'x-edgeward-admin': token })).toEqual([401])
  })

  test('not the cookie of the administration without its secret, nor the secret without the cookie', async () => {
    const [ada, again] = [await signIn(box, 'ada'), await signIn(box, 'ada')]
    expect(await statuses({ cookie: ada.cookie })).toEqual([401])
    expect(await statuses({ 'x-edgeward-admin': ada.secret })).toEqual([401])
    expect(await statuses({ cookie: ada.cookie, 'x-edgeward-admin': again.secret })).toEqual([401])
    const both = { cookie: ada.cookie, 'x-edgeward-admin': ada.secret }
    expect((await box.askAdmin('/api/v1/sessions', { headers: both })).status).toBe(200)
    for (const stranger of [
      { origin: box.gateway.addresses.auth },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
    ])
      for (const [method, path] of adminRoutes)
        expect((await box.askAdmin(path, { method, headers: { ...both, ...stranger } })).status).toBe(403)
  })

  test('and what opens the administration opens no app', async () => {
    const { cookie, secret } = await signIn(box, 'ada')
    const [, value = ''] = cookie.split('=')
    for (const token of [value, secret]) {
      const headers = {
        cookie: `access_token=${token}`,
        'x-original-uri': '/press/',
        'x-original-method': 'GET',
      }
      expect((await box.askAsProxy('/device/edge/auth/verify', { headers })).status).toBe(401)
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const app = await box.gateway.operate<{ client_id: string; client_secret: string }>('app.add', {
      name: 'x',
      version: '1',
    })
    const body = new URLSearchParams({ ...app, token: value }).toString()
    expect((await box.ask(introspectPath, { method: 'POST', headers: form, body })).text).toBe(
      '{"active":false}',
    )
  })

  test('who is no Admin sees his own session and nothing else; a role that is taken away counts at once', async () => {
    const ann = await signIn(box, 'ann')
    const headers = { cookie: ann.cookie, 'x-edgeward-admin': ann.secret }
    expect(JSON.parse((await box.askAdmin('/api/v1/session', { headers })).text)).toMatchObject({
      user: 'ann',
    })
    for (const path of ['/api/v1/sessions', '/api/v1/audit'])
      expect((await box.askAdmin(path, { headers })).status).toBe(403)
    await box.gateway.operate('user.set', { name: 'ann', roles: ['Admin'] })
    expect((await box.askAdmin('/api/v1/session', { headers })).status).toBe(401)
    await box.gateway.operate('user.set', { name: 'ann', roles: ['Operator'] })
  })
})

/** Runs in the page of the app; says what it could read. */
const driveByFrameAndForm = (admin: string): string => `(async () => {
  const frame = document.createElement('iframe')
  frame.src = '${admin}/api/v1/openapi.json'
  document.body.append(frame)
  await new Promise((done) => frame.addEventListener('load', done))
  const form = document.createElement('form')
  Object.assign(form, { method: 'post', action: '${admin}/api/v1/session', target: 'other' })
  document.body.append(form)
  form.submit()
  try {
    return frame.contentDocument?.body.textContent ?? 'nothing'
  } catch {
    return 'nothing'
  }
})()`

describeWith(['nginx', 'chromium'], 'X24: in Chromium, an app on the same host', () => {
  const held = new AsyncDisposableStack()
  let box: Box
  let context: BrowserContext
  let app: Page
  let admin: string
  let secret: string

  beforeAll(async () => {
    box = held.use(await openBox())
    admin = box.gateway.addresses.admin
    const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
    const browser = await chromium.launch({ executablePath: findProgram('chromium') as string, args })
    held.defer(() => browser.close())
    context = await browser.newContext({ ignoreHTTPSErrors: true, bypassCSP: true })
    secret = await administer(await context.newPage())
    app = await context.newPage()
    const { url } = box.proxies.find(({ name }) => name === 'nginx') as Box['proxies'][number]
    await app.goto(`${url}${loginPath}?rd=%2Fpress%2F`)
    await app.fill('#username', 'ann')
    await app.fill('#password', password)
    await app.click('button')
    expect(new URL(app.url()).pathname).toBe('/press/')
  })
  afterAll(() => held.disposeAsync())

  /** An administrator at work in the same browser. */
  async function administer(page: Page): Promise<string> {
    await page.goto(`${admin}/readyz`)
    const opened = await page.evaluate(
      async (body) => {
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch('/api/v1/session', { method: 'POST', headers, body })
        return (await answer.json()) as { secret: string }
      },
      JSON.stringify({ username: 'ada', password }),
    )
    const list = await page.evaluate(async (key) => {
      const answer = await fetch('/api/v1/sessions', { headers: { 'x-edgeward-admin': key } })
      return answer.status
    }, opened.secret)
    expect(list).toBe(200)
    return opened.secret
  }

  test('does not get the cookie of the administration, on the server or in the page', async () => {
    expect(
      (await context.cookies(admin)).map(({ name, sameSite, httpOnly }) => [name, sameSite, httpOnly]),
    ).toContainEqual([...['edgeward_admin', 'Strict', true]])
    expect(box.echo.seen.some(({ headers }) => headers.cookie?.includes('edgeward_admin'))).toBe(false)
    expect(await app.evaluate<string>('document.cookie')).not.toContain('edgeward')
  })

  test('reaches nothing of it from its page, even with the secret', async () => {
    const attempts = await app.evaluate(
      async ({ admin, secret }) => {
        const tryIt = async (path: string, init: RequestInit): Promise<string> => {
          try {
            const answer = await fetch(admin + path, { credentials: 'include', ...init })
            return `${answer.type} ${answer.status} ${await answer.text()}`
          } catch (error) {
            return (error as Error).name
          }
        }
        const key = { 'x-edgeward-admin': secret }
        const body = '{"username":"ada","password":"x"}'
        return [
          await tryIt('/api/v1/session', {}),
          await tryIt('/api/v1/sessions', { headers: key }),
          await tryIt('/api/v1/session', { method: 'DELETE', headers: key }),
          await tryIt('/api/v1/session', {
            method: 'POST',
            body,
            headers: { 'content-type': 'application/json' },
          }),
          await tryIt('/api/v1/session', { method: 'POST', body }),
          await tryIt('/api/v1/sessions', { mode: 'no-cors' }),
          await tryIt('/api/v1/session', { method: 'POST', body, mode: 'no-cors' }),
        ]
      },
      { admin, secret },
    )
    // Blocked before or after the request, with not a byte to read: by CORS, or by its resource policy.
    expect(attempts).toEqual(Array(7).fill('TypeError'))
  })

  test('cannot show it in a frame, nor drive it by a form or a window', async () => {
    const seen = await app.evaluate<string>(driveByFrameAndForm(admin))
    expect(seen).toBe('nothing')
    // The administrator has noticed nothing: the session is there, and no other has come.
    const page = context.pages()[0] as Page
    const sessions = await page.evaluate(async (key) => {
      const answer = await fetch('/api/v1/sessions', { headers: { 'x-edgeward-admin': key } })
      return (await answer.json()) as { user: string }[]
    }, secret)
    expect(sessions.map(({ user }) => user).sort()).toEqual(['ada', 'ann'])
  })
})
