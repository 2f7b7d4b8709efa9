import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tempDir } from '../harness.ts'
import { type Box, openBox, password, press } from './boxed.ts'
import { addApp, basic, inactive, introspectPath, type OauthApp, tokenPath } from './oauth-app.ts'

/*
 * X21: a secret is in the answer that made it and in no other, so that nobody can have a stored one sent to
 * where he has it changed to. Changing an app keeps or voids its secret, but shows it never.
 */

const proxySecret = 'b3f1c0ffee00b3f1c0ffee00b3f1c0ffee00b3f1'
const held = new AsyncDisposableStack()
let box: Box
let app: OauthApp
let secrets: string[]
let keys: Record<string, string>
beforeAll(async () => {
  const file = join(held.use(await tempDir()).path, 'proxy-secret')
  await writeFile(file, `${proxySecret}\n`)
  box = held.use(await openBox({ proxied: false, env: { EDGEWARD_AUTH_PROXY_SECRET_FILE: file } }))
  app = await addApp(box, 'asking')
  const made = await box.gateway.operate<{ password: string }>('user.add', { name: 'gen', roles: ['Viewer'] })
  keys = await administrator()
  const { 'x-edgeward-admin': adminSecret, cookie } = keys as { 'x-edgeward-admin': string; cookie: string }
  secrets = [
    ...[app.secret, made.password, password, proxySecret, adminSecret, cookie.split('=')[1] as string],
    ...(await box.token('ann')).split('.').slice(2),
    ...onDisk(),
  ]
})
afterAll(() => held.disposeAsync())

async function administrator() {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ username: 'ada', password })
  const { headers: answered, text } = await box.askAdmin('/api/v1/session', { method: 'POST', headers, body })
  const cookie = answered['set-cookie']?.[0]?.split(';')[0] as string
  return { cookie, 'x-edgeward-admin': JSON.parse(text).secret as string }
}

/** Hashes and private keys that the box keeps, in the spellings that an answer could have. */
function onDisk(): string[] {
  using held = new DisposableStack()
  const copy = mkdtempSync(join(tmpdir(), 'edgeward-x21-'))
  held.defer(() => rmSync(copy, { recursive: true }))
  for (const name of ['auth.db', 'auth.db-wal']) copyFileSync(join(box.stateDir, name), join(copy, name))
  const database = new Database(join(copy, 'auth.db'))
  held.defer(() => database.close())
  const values = (
    database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[]
  )
    .flatMap(({ name }) => database.prepare(`SELECT * FROM "${name}"`).all() as Record<string, unknown>[])
    .flatMap((row) => Object.entries(row))
    .filter(([column]) => /hash|private/.test(column))
    .map(([, value]) => value)
  const texts = values.filter((value) => typeof value === 'string')
  const bytes = values.filter((value) => Buffer.isBuffer(value))
  return [
    ...texts.filter((text) => text.length > 8),
    ...bytes.flatMap((value) =>
      (['hex', 'base64', 'base64url'] as const).map((form) => value.toString(form)),
    ),
  ]
}

/** What the answer gives away; by number, so that a failing test shows none either. */
const shownIn = (answer: unknown): number[] => {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer ?? null)
  const found = secrets.flatMap((secret, index) => (text.includes(secret) ? [index] : []))
  return /\$argon2|PRIVATE KEY|"d":"|secretHash|passwordHash/.test(text) ? [...found, -1] : found
}

const reading: [string, object][] = [
  ...(['app.list', 'guard.list', 'user.list', 'session.list', 'gateway.describe'] as const).map(
    (name): [string, object] => [name, {}],
  ),
  ...['agent.status', 'auth.rotateKeys', 'audit.list'].map((name): [string, object] => [name, {}]),
  ...['nginx', 'caddy', 'traefik'].map((proxy): [string, object] => ['proxy.config', { proxy }]),
]
const changing: [string, object][] = [
  ['app.set', { ...press, upstream: 'http://127.0.0.1:9' }],
  ['app.set', { name: 'press', path: '/press2/', public: [] }],
  ['app.set', { name: 'asking', path: '/asking/', upstream: 'http://127.0.0.1:9', withhold_token: true }],
  ['app.setGrants', { name: 'asking', grants: ['introspect:all'] }],
  ['app.setGrants', { name: 'asking', grants: [] }],
  ['app.unset', { name: 'asking' }],
  ['user.set', { name: 'gen', roles: ['Operator'] }],
  ['user.disable', { name: 'gen' }],
  ['user.enable', { name: 'gen' }],
  ['user.passwd', { name: 'gen', password: 'her own choice' }],
]

test('X21: there is something to hide, and this test would see it', () => {
  expect(secrets.filter((secret) => secret.startsWith('$argon2'))).toHaveLength(4)
  expect(secrets.length).toBeGreaterThan(12)
  expect(Math.min(...secrets.map(({ length }) => length))).toBeGreaterThan(8)
  expect(shownIn({ client_secret: app.secret })).toEqual([0])
})

test('X21: no operation and no route gives a secret back', async () => {
  for (const [name, params] of [...changing, ...reading])
    expect([name, shownIn(await box.gateway.operate(name, params))]).toEqual([name, []])
  for (const path of [
    '/api/v1/session',
    '/api/v1/sessions',
    '/api/v1/audit',
    '/api/v1/openapi.json',
    '/metrics',
  ]) {
    const { status, text } = await box.askAdmin(path, { headers: keys })
    expect([path, status, shownIn(text)]).toEqual([path, 200, []])
  }
  for (const path of ['/device/edge/auth/oauth2/jwks', '/.well-known/oauth-authorization-server'])
    expect([path, shownIn((await box.ask(path)).text)]).toEqual([path, []])
})

test('X21: nor does a refusal repeat what was sent with it', async () => {
  const json = { 'content-type': 'application/json', 'x-edgeward-proxy': proxySecret }
  const body = JSON.stringify({ username: 'ann', password: [password], client_secret: app.secret })
  for (const ask of [box.ask, box.askAdmin])
    for (const path of ['/api/v1/session', '/device/edge/api/v1/login/direct', '/api/v1/readings'])
      expect(shownIn((await ask(path, { method: 'POST', headers: json, body })).text)).toEqual([])
  for (const fields of [{ grant_type: 'x' }, { grant_type: 'client_credentials', scope: 'x' }, {}])
    for (const path of [tokenPath, introspectPath]) {
      const { text } = await app.post(path, { ...fields, password, client_secret: app.secret })
      expect(shownIn(text)).toEqual([])
    }
  for (const name of ['app.set', 'app.setGrants', 'user.set', 'app.rotateSecret', 'app.nothing'])
    await expect(
      box.gateway.operate(name, { name: 'nobody', client_secret: app.secret, password }),
    ).rejects.toSatisfy((error: Error) => shownIn(`${error.message}${JSON.stringify(error)}`).length === 0)
})

const opens = async (id: string, secret: string) => {
  const headers = { authorization: basic(id, secret), 'content-type': 'application/x-www-form-urlencoded' }
  return (await box.ask(tokenPath, { method: 'POST', headers, body: 'grant_type=client_credentials' })).status
}

test('X21: a new address leaves the secret as it is; a new secret or keys void the old and all it opened', async () => {
  const moved = await addApp(box, 'moved')
  for (const upstream of ['http://127.0.0.1:9', null])
    await box.gateway.operate('app.set', { name: 'moved', path: '/moved/', upstream })
  expect(await opens('moved', moved.secret)).toBe(200)

  const token = await moved.token()
  await box.gateway.operate('app.setGrants', { name: 'asking', grants: ['introspect:all'] })
  expect(await app.introspect(token)).toMatchObject({ active: true })
  const renewed = await box.gateway.operate<{ client_secret: string }>('app.rotateSecret', { name: 'moved' })
  expect(renewed.client_secret).not.toBe(moved.secret)
  expect(await opens('moved', moved.secret)).toBe(401)
  expect(await opens('moved', renewed.client_secret)).toBe(200)
  expect(await app.introspect(token)).toEqual(inactive)

  const jwks = await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)
  const keyed = await box.gateway.operate('app.rotateSecret', { name: 'moved', jwks })
  expect(keyed).toEqual({ client_id: 'moved', version: '1' })
  for (const old of [moved.secret, renewed.client_secret, '', 'null'])
    expect([old === '', await opens('moved', old)]).toEqual([old === '', 401])
})

test('X21: an app that is added again gets a new secret, and the old one opens nothing', async () => {
  const first = await addApp(box, 'again')
  await box.gateway.operate('app.remove', { name: 'again' })
  const second = await addApp(box, 'again')
  expect(second.secret).not.toBe(first.secret)
  expect([await opens('again', first.secret), await opens('again', second.secret)]).toEqual([401, 200])
})

test('X21: the files of the state hold no app secret and no password', async () => {
  for (const name of ['auth.db', 'auth.db-wal']) {
    const bytes = await readFile(join(box.stateDir, name))
    for (const secret of [app.secret, password, proxySecret]) expect(bytes.includes(secret)).toBe(false)
  }
})
