import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { introspectPath, password } from './edge-auth.ts'
import {
  agentStatus,
  edgeward,
  eventually,
  freePort,
  type Gateway,
  startGateway,
  type TempDir,
  tempDir,
} from './harness.ts'
import { codeAt, createVisitor, recoveryCodes, scan } from './second-factor.ts'

/** A box that no hub has ever seen, and whose identity provider does not answer. */

let dir: TempDir
let gateway: Gateway
const start = async (): Promise<void> => {
  gateway = await startGateway(dir.path, { EDGEWARD_DEVICE_NAME: 'box-1' })
}
beforeAll(async () => {
  dir = await tempDir()
  await mkdir(join(dir.path, 'sources.d'))
  await writeFile(join(dir.path, 'sources.d/box.toml'), localSources, { mode: 0o600 })
  await start()
})
afterAll(async () => {
  await gateway?.stop()
  await dir[Symbol.asyncDispose]()
})

const localSources = `
[[dataSources]]
name = "line"
customData = { protocol = "mqtt" }
dataPoints = [
  { id = "n", name = "count", type = "LONG", customData = { topic = "apps/press/m", pointer = "/n" } },
]

[[dataSources]]
name = "box"
customData = { protocol = "system", interval = "200ms" }
dataPoints = [{ id = "load", name = "load", type = "DOUBLE", customData = { metric = "load.1" } }]
`

interface App {
  client_id: string
  client_secret: string
}
interface Answer {
  status: number
  text: string
  headers: Record<string, string>
  setCookies: string[]
}

async function ask(
  path: string,
  {
    headers = {},
    ...init
  }: { method?: string; headers?: Record<string, string>; body?: string | URLSearchParams } = {},
): Promise<Answer> {
  const answer = await fetch(`${gateway.addresses.auth}${path}`, { ...init, headers, redirect: 'manual' })
  return {
    status: answer.status,
    text: await answer.text(),
    headers: Object.fromEntries(answer.headers),
    setCookies: answer.headers.getSetCookie(),
  }
}
const post = (path: string, headers: Record<string, string>, body: object | string) =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const basic = ({ client_id, client_secret }: App) => `Basic ${btoa(`${client_id}:${client_secret}`)}`
const introspect = async (app: App, token: string) => {
  const form = { 'content-type': 'application/x-www-form-urlencoded', authorization: basic(app) }
  return JSON.parse((await post(introspectPath, form, `${new URLSearchParams({ token })}`)).text)
}
/** What the guard says to a reverse proxy. */
function guard(token: string): Promise<{ status: number | undefined; user: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; user: unknown }>()
  const headers = { cookie: `access_token=${token}`, 'x-original-uri': '/press/', 'x-original-method': 'GET' }
  request({
    ...{ socketPath: join(dir.path, 'run/proxy.sock'), path: '/device/edge/auth/verify', headers },
  })
    .on('response', (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode, user: answer.headers['x-auth-user'] })
    })
    .on('error', reject)
    .end()
  return promise
}

const rules = [{ when: [{ claim: 'groups', operator: 'in', value: 'ops' }], roles: ['Operator'] }]

/** Ann, who is asked for a second factor; and an identity provider that nobody can reach. */
async function people(): Promise<void> {
  await gateway.operate('user.add', { name: 'root', roles: ['Admin'], password })
  await gateway.operate('user.add', { name: 'ann', roles: ['Operator'], password, totpRequired: true })
  await gateway.operate('option.set', { category: 'two-factor', key: 'strategy', value: 'totp' })
  await gateway.operate('sso.put', {
    ...{ name: 'plant', issuer: `http://127.0.0.1:${await freePort()}`, onThisMachine: true },
    ...{ clientId: 'box', secret: 'a secret of the box', mapping: { mode: 'replace', rules } },
  })
}

test('people sign in with their second factor, pass to apps, and are ended, seen and told of', async () => {
  await people()
  expect((await agentStatus(gateway)).identity.state).toBe('unboarded')
  const app = await gateway.operate<App>('app.add', { name: 'portal', version: '1' })

  const away = await ask('/device/edge/auth/sso/start?provider=plant', { headers: { accept: 'text/html' } })
  expect([away.status, away.text]).toEqual([503, expect.stringContaining('The provider cannot be reached')])

  const person = createVisitor(ask)
  await person.open()
  const page = await person.submit({ username: 'ann', password })
  const secret = scan(page.text)
  const done = await person.submit({ code: codeAt(secret, Date.now()) }, '/second-factor')
  const token = done.session?.split('=')[1] as string
  expect(await introspect(app, token)).toMatchObject({ active: true, sub: 'ann' })
  expect(await guard(token)).toEqual({ status: 200, user: 'ann' })
  const [totp] = recoveryCodes(done.text)
  const direct = await post('/device/edge/api/v1/login/direct', {}, { username: 'ann', password, totp })
  expect([direct.status, JSON.parse(direct.text)]).toMatchObject([200, { token_type: 'Bearer' }])

  await gateway.operate('session.end', { user: 'ann' })
  expect(await introspect(app, token)).toEqual({ active: false })

  await gateway.operate('serviceAccess.open', { role: 'Viewer', hours: 1 })
  expect(await gateway.operate<object[]>('alarm.list')).toContainEqual(
    expect.objectContaining({ type: 'service_access_open', status: 'ACTIVE' }),
  )
  const { entries } = await gateway.operate<{ entries: { type: string }[] }>('audit.list', { user: 'ann' })
  expect(entries.filter(({ type }) => type === 'login')).toHaveLength(2)
  expect((await edgeward(['audit', 'verify', '--state-dir', dir.path])).code).toBe(0)
})

test('apps get tokens, keep texts and are measured, and so is the box; tokens of tenants wait for the hub', async () => {
  const app = await gateway.operate<App>('app.add', { name: 'press', version: '1' })
  const authorization = basic(app)
  const manager = '/api/technicaltokenmanager/v3/oauth/token'
  const asked = { appName: 'press', appVersion: '1', hostTenant: 'plant1', userTenant: 'plant1' }
  const technical = { 'x-space-auth-key': authorization }
  const refused = await post(manager, technical, asked)
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([403, { code: 'not_linked' }])
  await gateway
    .operate('app.linkHub', { name: 'press', version: '1', clientId: 'x', secret: 'y' })
    .catch(() => {})

  const form = { 'content-type': 'application/x-www-form-urlencoded', authorization }
  const own = JSON.parse(
    (await post('/device/edge/auth/oauth2/token', form, 'grant_type=client_credentials')).text,
  )
  const bearer = { authorization: `Bearer ${own.access_token}` }
  const text = { relatedId: 'project-1', key: 'product-7', value: 'employee Ann' }
  expect((await post('/api/rest/v1/token', bearer, text)).status).toBe(201)
  expect(
    JSON.parse((await ask('/api/rest/v1/token/project-1/product-7', { headers: bearer })).text),
  ).toMatchObject(text)

  const client = await connectAsync(gateway.addresses.mqtt, {
    ...{ username: app.client_id, password: app.client_secret, reconnectPeriod: 0 },
  })
  await client.publishAsync('apps/press/m', '{"n":7}', { qos: 1 }) // its PUBACK says that it is on disk
  await client.endAsync()
  const posted = await post('/api/v1/readings', bearer, { topic: 'apps/press/m', payload: { n: 8 } })
  expect([posted.status, JSON.parse(posted.text)]).toEqual([200, { accepted: 1 }])
  await eventually('both sources are read', async () => (await agentStatus(gateway)).outbox.readings > 3)

  await gateway.stop('SIGKILL')
  await start()
  const { outbox, sources } = await agentStatus(gateway)
  expect(outbox.readings).toBeGreaterThanOrEqual(2)
  expect(sources.map(({ name }) => name).sort()).toEqual(['box', 'line'])
  expect((await ask('/api/rest/v1/token/project-1/product-7', { headers: { authorization } })).status).toBe(
    200,
  )
})
