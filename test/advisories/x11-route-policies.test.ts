import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, openBox } from './boxed.ts'

interface Route {
  method: string
  url: string
  access: string
}

let box: Box
let apps: Route[]
let admin: Route[]
beforeAll(async () => {
  box = await openBox({ proxied: false })
  const lines = box.gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('who may call what'))
  const [first, second] = lines.map((line) => (JSON.parse(line) as { routes: Route[] }).routes)
  apps = first as Route[]
  admin = second as Route[]
})
afterAll(() => box[Symbol.asyncDispose]())

/** X11: what is open is written here; whatever else there is asks who calls. */
const openOnApps = [
  ...['GET /.well-known/oauth-authorization-server', 'GET /device/edge/auth/oauth2/jwks'],
  ...[
    'GET /device/edge/auth/login',
    'POST /device/edge/auth/login',
    'POST /device/edge/auth/login/new-password',
  ],
  ...['POST /device/edge/auth/logout', 'POST /device/edge/api/v1/login/direct'],
  ...['POST /device/edge/auth/login/code', 'POST /device/edge/auth/login/second-factor'],
  ...['GET /device/edge/auth/verify', 'GET /device/edge/auth/denied'],
  // Only sends to the provider; it is the callback that signs in, by the state that this browser keeps.
  ...['GET /device/edge/auth/sso/start', 'GET /device/edge/auth/sso/callback/:provider'],
  // For who is signed in, from a page of ours.
  'POST /device/edge/auth/sso/link',
  // From the provider, by its signature.
  ...[
    'POST /device/edge/auth/sso/backchannel-logout',
    'POST /device/edge/auth/sso/keycloak/:provider/k_logout',
  ],
]
const openOnAdmin = [
  ...['GET /api/v1/openapi.json', 'GET /healthz', 'GET /metrics', 'GET /readyz'],
  ...['GET /', 'GET /console/:file'], // the pages: they hold nothing, and ask who one is
]

const shown = (routes: Route[], access: (name: string) => boolean): string[] => [
  ...new Set(routes.filter((route) => access(route.access)).map(({ method, url }) => `${method} ${url}`)),
]
const filled = (url: string): string => url.replace(/:\w+/g, 'x')
/** Beside each route, those that only say which method is right, and HEAD of each GET. */
const isReal = (routes: Route[]) => {
  const posts = new Set(routes.filter(({ method }) => method === 'POST').map(({ url }) => url))
  const gets = new Set(openOnApps.filter((name) => name.startsWith('GET')).map((name) => name.slice(4)))
  return ({ method, url }: Route) =>
    method !== 'HEAD' && (!posts.has(url) || method === 'POST' || (method === 'GET' && gets.has(url)))
}

test('every route of both listeners says who may call it, and the open ones are these', () => {
  for (const { method, url, access } of [...apps, ...admin])
    expect(access, `${method} ${url}`).toMatch(/^\w+$/)
  const open = shown(apps.filter(isReal(apps)), (access) => access === 'anyone')
  expect(
    open
      .filter(
        (name) => !/oauth2\/(introspect|token|revoke)|api\/v1\/readings|api\/rest\/v1\/token/.test(name),
      )
      .sort(),
  ).toEqual([...openOnApps].sort())
  expect(shown(admin, (access) => access === 'anyone').filter((name) => !name.startsWith('HEAD'))).toEqual(
    expect.arrayContaining(openOnAdmin),
  )
  expect(shown(admin, (access) => access === 'anyone')).toHaveLength(2 * openOnAdmin.length)
})

test('what asks who calls answers nobody who does not say', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const json = { 'content-type': 'application/json' }
  for (const { method, url } of apps.filter(
    ({ method, access, url }) => method === 'POST' && (access !== 'anyone' || url.includes('oauth2')),
  )) {
    const isForm = url.includes('oauth2')
    const body = isForm ? 'token=x&grant_type=client_credentials' : '{}'
    const answer = await box.ask(filled(url), { method, headers: isForm ? form : json, body })
    expect([400, 401], `${method} ${url} ${answer.status}`).toContain(answer.status)
  }
  for (const { method, url, access } of admin) {
    if (access === 'anyone') continue
    const body = method === 'POST' ? { headers: json, body: '{"username":"ada","password":"x"}' } : {}
    expect((await box.askAdmin(filled(url), { method, ...body })).status, `${method} ${url}`).toBe(401)
  }
})

test.each([
  ['GET', '/sso/start', 404],
  ['GET', '/sso/start?provider=x', 404],
  ['GET', '/sso/callback/x?code=1&state=2', 400],
  ['POST', '/sso/link?provider=x', 400],
  ['POST', '/sso/backchannel-logout', 400, 'logout_token=e30.e30.e30'],
  ['POST', '/sso/keycloak/x/k_logout', 400, 'e30.e30.e30'],
  ['POST', '/login', 403, 'username=ada&password=x'],
  ['POST', '/login/code', 403, 'ticket=x&code=123456'],
  ['POST', '/login/second-factor', 403, 'ticket=x&code=123456'],
  ['POST', '/login/new-password', 403, 'ticket=x&password=x&repeated=x'],
])('who shows nothing gets nothing of %s %s, which is open', async (method, path, status, body = '') => {
  const headers: Record<string, string> =
    method === 'GET' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await box.ask(`/device/edge/auth${path}`, { method, headers, body })
  expect([answer.status, `${answer.headers['set-cookie']}`.includes('access_token')]).toEqual([status, false])
  if (method === 'GET') return
  const fromElsewhere = { ...headers, 'sec-fetch-site': 'cross-site' }
  const foreign = await box.ask(`/device/edge/auth${path}`, { method, headers: fromElsewhere, body })
  expect(foreign.status).toBe(path.startsWith('/sso/link') ? 403 : status)
})

test('what one listener serves, the other does not', async () => {
  for (const { method, url } of admin)
    expect((await box.ask(filled(url), { method })).status, `${method} ${url}`).toBe(404)
  for (const { method, url } of apps.filter(({ url }) => !admin.some((route) => route.url === url)))
    expect([404, 415], `${method} ${url}`).toContain((await box.askAdmin(filled(url), { method })).status)
})

test('no route lets a person set a new password for a name', async () => {
  for (const path of [
    '/device/edge/auth/reset',
    '/device/edge/auth/forgot',
    '/device/edge/auth/register',
    '/reset',
  ])
    for (const method of ['GET', 'POST']) expect((await box.ask(path, { method })).status).toBe(404)
})
