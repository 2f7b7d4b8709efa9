import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, openBox, password, press } from './boxed.ts'
import { addApp, formHeader, inParallel, tokenPath } from './oauth-app.ts'

/*
 * X18: nothing that a request names is fetched. The box knows no address that it would learn from one: keys
 * come with an app, and where an app listens is for the reverse proxy. Identity providers are asked where an
 * administrator has said; what is refused there is in sso.test.ts.
 */

interface Route {
  method: string
  url: string
}

const held = new AsyncDisposableStack()
let box: Box
let trap: Awaited<ReturnType<typeof openTrap>>
let routes: { apps: Route[]; admin: Route[] }
beforeAll(async () => {
  box = held.use(await openBox({ proxied: false }))
  trap = await openTrap()
  held.defer(() => trap.close())
  const lines = box.gateway.log().split('\n')
  const [apps, admin] = lines
    .filter((line) => line.includes('who may call what'))
    .map((line) => (JSON.parse(line) as { routes: Route[] }).routes)
  routes = { apps: apps as Route[], admin: admin as Route[] }
})
afterAll(() => held.disposeAsync())

/** Counts who comes, whatever he speaks. */
async function openTrap() {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const urls = [
    `http://127.0.0.1:${port}/x`,
    `https://127.0.0.1:${port}/x`,
    `http://localhost:${port}/.well-known/x`,
  ]
  return { urls, host: `127.0.0.1:${port}`, count: () => connections, close: () => void server.close() }
}

const fields = [
  ...['rd', 'redirect_uri', 'target_link_uri', 'post_logout_redirect_uri', 'logout_uri', 'callback', 'url'],
  ...['backchannel_logout_uri', 'frontchannel_logout_uri', 'initiate_login_uri', 'next', 'return_to'],
  ...['jwks', 'jwks_uri', 'jku', 'x5u', 'iss', 'issuer', 'request', 'request_uri', 'sector_identifier_uri'],
  ...['token', 'token_type_hint', 'id_token_hint', 'logout_token', 'subject_token', 'resource', 'audience'],
  ...['client_id', 'client_assertion', 'client_assertion_type', 'scope', 'logo_uri', 'upstream', 'username'],
  ...['password', 'code', 'ticket', 'grant_type', 'user', 'type', 'topic', 'readings', 'host', 'webhook'],
]
const everywhere = (url: string) => Object.fromEntries(fields.map((name) => [name, url]))
const filled = (path: string, url: string): string => path.replace(/:\w+/g, encodeURIComponent(url))
const headersWith = (url: string) => ({
  ...{ referer: url, 'x-forwarded-host': trap.host, 'x-forwarded-uri': url, 'x-original-uri': url },
  ...{ 'x-original-url': url, link: `<${url}>`, 'x-wap-profile': url, 'x-callback-url': url },
})

/** Everything in every place of one route, as a form and as JSON. */
function questions({ method, url: path }: Route, url: string) {
  const target = `${filled(path, url)}?${new URLSearchParams(everywhere(url))}`
  const headers = headersWith(url)
  if (method === 'GET' || method === 'HEAD') return [{ target, question: { method, headers } }]
  const json = { ...headers, 'content-type': 'application/json' }
  const form = { ...headers, ...formHeader }
  return [
    { target, question: { method, headers: json, body: JSON.stringify(everywhere(url)) } },
    { target, question: { method, headers: form, body: new URLSearchParams(everywhere(url)).toString() } },
  ]
}

test('X18: no route of a listener fetches what a request names', async () => {
  const apps = routes.apps.flatMap((route) => trap.urls.flatMap((url) => questions(route, url)))
  const admin = routes.admin.flatMap((route) => trap.urls.flatMap((url) => questions(route, url)))
  expect(Math.min(apps.length, admin.length)).toBeGreaterThan(20)
  const seen = new Set<number>()
  await inParallel(apps, 8, async ({ target, question }) => {
    seen.add((await box.ask(target, question)).status)
    seen.add((await box.askAsProxy(target, question)).status)
  })
  await inParallel(admin, 8, async ({ target, question }) => {
    seen.add((await box.askAdmin(target, question)).status)
  })
  expect([...seen].filter((status) => status >= 500)).toEqual([])
  expect(trap.count()).toBe(0)
})

test('X18: nor for an Admin who is signed in', async () => {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ username: 'ada', password })
  const signedIn = await box.askAdmin('/api/v1/session', { method: 'POST', headers, body })
  const cookie = signedIn.headers['set-cookie']?.[0]?.split(';')[0] as string
  const keys = { cookie, 'x-edgeward-admin': JSON.parse(signedIn.text).secret as string }
  for (const route of routes.admin) {
    if (route.method === 'DELETE' && route.url === '/api/v1/session') continue // would be signed out
    for (const { target, question } of trap.urls.flatMap((url) => questions(route, url)))
      await box.askAdmin(target, { ...question, headers: { ...question.headers, ...keys } })
  }
  expect((await box.askAdmin('/api/v1/session', { headers: keys })).status).toBe(200)
  expect(trap.count()).toBe(0)
})

test('X18: nor for an app with good credentials, one field at a time', async () => {
  const app = await addApp(box, 'asking')
  const [url = ''] = trap.urls
  for (const { method, url: path } of routes.apps.filter(
    (route) => route.method === 'POST' && route.url.includes('oauth2'),
  ))
    await inParallel(fields, 8, async (name) => {
      const good = { grant_type: 'client_credentials', token: 'x', [name]: url }
      const headers = { ...formHeader, authorization: app.authorization }
      await box.ask(path, { method, headers, body: new URLSearchParams(good).toString() })
    })
  expect(await app.token()).toMatch(/^eyJ/)
  expect(trap.count()).toBe(0)
})

test('X18: nor for the header or the claims of an assertion, nor for what an app is registered with', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const [url = ''] = trap.urls
  const jwk = { ...(await exportJWK(publicKey)), x5u: url, jku: url }
  await box.gateway.operate('app.add', { name: 'keyed', version: '1', jwks: { keys: [jwk], jwks_uri: url } })
  await expect(
    box.gateway.operate('app.add', { name: 'far', version: '1', jwks: { jwks_uri: url } }),
  ).rejects.toMatchObject({ code: 'invalid' })
  await box.gateway.operate('app.set', { ...press, upstream: new URL(url).origin })
  await box.gateway.operate('proxy.config', { proxy: 'nginx' })

  const iat = Math.floor(Date.now() / 1000)
  const usual = { iss: 'keyed', sub: 'keyed', aud: 'urn:industrial.edge.device', iat, exp: iat + 60 }
  const present = async (claims: object, header: object, by = privateKey) => {
    const assertion = await new SignJWT({ ...usual, jti: crypto.randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', ...header })
      .sign(by)
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    })
    return (await box.ask(tokenPath, { method: 'POST', headers: formHeader, body: body.toString() })).status
  }
  const stranger = (await generateKeyPair('ES256')).privateKey
  for (const header of [{ jku: url }, { x5u: url }, { kid: url }, { jku: url, kid: url, x5u: url }]) {
    expect([200, 401]).toContain(await present({}, header))
    expect(await present({}, header, stranger)).toBe(401)
  }
  for (const claims of [{ iss: url }, { sub: url }, { iss: url, sub: url }, { aud: url }])
    expect(await present(claims, { jku: url })).toBe(401)
  expect(await present({}, {})).toBe(200)
  expect(trap.count()).toBe(0)
})

test('X18: the trap counts', async () => {
  await expect(fetch(trap.urls[0] as string)).rejects.toThrow()
  expect(trap.count()).toBeGreaterThan(0)
})
