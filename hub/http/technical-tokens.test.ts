import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Json, limits, startHub, type TestHub } from '../test-hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await startHub()
  for (const name of ['plant1', 'plant2', 'plant3']) await hub.operate('tenant.add', { name })
})
afterAll(() => hub[Symbol.asyncDispose]())

const root = '/api/technicaltokenmanager/v3'
let serial = 0

interface App {
  app: string
  version: string
  host: string
  client_id: string
  client_secret: string
}

/** An app of the tenant "default" that plant1 uses. */
async function addApp(given: object = {}, on = hub): Promise<App> {
  const name = `app${++serial}`
  const app = await on.operate('app.add', {
    ...{ name, version: '1.0.0', host: 'default', access: 'read-write' },
    ...given,
  })
  return app as App
}
async function addUsedApp(given: object = {}): Promise<App> {
  const app = await addApp(given)
  await hub.operate('app.subscribe', { name: app.app, tenant: 'plant1' })
  await hub.operate('app.consent', { name: app.app, tenant: 'plant1' })
  return app
}

const keyOf = ({ client_id, client_secret }: Pick<App, 'client_id' | 'client_secret'>) => ({
  'x-space-auth-key': `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
})
const bodyOf = ({ app, version, host }: App, userTenant: string) => ({
  ...{ appName: app, appVersion: version, hostTenant: host, userTenant },
})
const ask = (app: App, userTenant: string, body: object = {}, on = hub) =>
  on.call('POST', `${root}/oauth/token`, {
    headers: keyOf(app),
    body: { ...bodyOf(app, userTenant), ...body },
  })
const tokenOf = async (app: App, userTenant: string): Promise<string> =>
  (await ask(app, userTenant)).json.access_token
const askSeveral = (app: App, userTenantIds: string[]) =>
  hub.call('POST', `${root}/oauthTokens`, {
    headers: keyOf(app),
    body: { appName: app.app, appVersion: app.version, hostTenantId: app.host, userTenantIds },
  })
const assets = '/api/assetmanagement/v3/assets'
const opens = async (token: string) => (await hub.call('GET', assets, { token })).status
const claimsOf = (token: string): Json =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

test('a token has the shape and the claims that clients know, whatever else they send', async () => {
  const app = await addUsedApp()
  const { status, json } = await ask(app, 'plant1', { grant_type: 'client_credentials', more: [1] })
  expect(status).toBe(200)
  expect(json).toEqual({
    access_token: expect.stringMatching(/^eyJ/),
    token_type: 'bearer',
    expires_in: 1799,
    scope: expect.stringContaining('timeseries:write'),
    jti: expect.any(String),
  })
  const claims = claimsOf(json.access_token)
  const { client_id } = app
  expect(claims).toMatchObject({
    ...{ jti: json.jti, sub: client_id, client_id, cid: client_id, azp: client_id, aud: [client_id] },
    ...{ zid: 'plant1', ten: 'plant1', grant_type: 'client_credentials', scope: json.scope.split(' ') },
    ...{ iss: expect.any(String), rev_sig: expect.any(String) },
  })
  expect(claims.exp - claims.iat).toBe(1800)
})

test('it opens the data of its tenant, of no other, and ends after half an hour', async () => {
  const app = await addUsedApp()
  const { id } = await hub.create('SHARED_SECRET', { tenant: 'plant1' })
  const foreign = await hub.create('SHARED_SECRET')
  const token = await tokenOf(app, 'plant1')
  const readings = (agent: string) => hub.call('GET', `/api/hub/v1/agents/${agent}/readings`, { token })
  expect((await readings(id)).status).toBe(200)
  expect((await readings(foreign.id)).status).toBe(404)

  const made = await hub.call('GET', `${assets}/root`, { token })
  expect(made.json).toMatchObject({ tenantId: 'plant1' })
  hub.time.laterMs += 1_740_000
  expect(await opens(token)).toBe(200)
  hub.time.laterMs += 61_000
  expect(await opens(token)).toBe(401)
})

test('what an app writes is stored as an agent would have sent it', async () => {
  const { id } = await hub.create('SHARED_SECRET', { tenant: 'plant1' })
  await hub.operate('agent.configure', {
    id,
    configuration: {
      configurationId: 'c',
      dataSources: [
        {
          name: 's',
          dataPoints: [{ id: 'DP1', name: 'n', type: 'DOUBLE', unit: '', description: '', customData: {} }],
        },
      ],
    },
  })
  const timestamp = '2026-11-21T10:00:00.000Z'
  const write = async (access: string) =>
    hub.call('POST', `/api/mindconnect/v3/ingest?senderId=${id}`, {
      token: await tokenOf(await addUsedApp({ access }), 'plant1'),
      body: { timeseries: [{ timestamp, values: [{ dataPointId: 'DP1', value: '2.5', qualityCode: '0' }] }] },
    })
  expect((await write('limited')).status).toBe(403)
  expect((await hub.operate('data.query', { agent: id })).readings).toEqual([])
  expect((await write('read-write')).status).toBe(200)
  expect((await hub.operate('data.query', { agent: id })).readings).toEqual([
    { pointId: 'DP1', time: timestamp, value: 2.5, quality: 0 },
  ])
})

test('without subscription and consent there is no token, and with the consent its tokens end', async () => {
  const app = await addApp()
  const use = { name: app.app, tenant: 'plant1' }
  const refused = await ask(app, 'plant1')
  expect([refused.status, refused.json]).toEqual([
    403,
    { id: expect.any(String), message: expect.stringContaining('plant1') },
  ])
  await hub.operate('app.subscribe', use)
  expect((await ask(app, 'plant1')).status).toBe(403)
  expect(await hub.operate('app.consent', use)).toMatchObject({ tenant: 'plant1' })
  const token = await tokenOf(app, 'plant1')
  expect(await opens(token)).toBe(200)

  await hub.operate('app.revokeConsent', use)
  expect(await opens(token)).toBe(401)
  expect((await ask(app, 'plant1')).status).toBe(403)
  await hub.operate('app.consent', use)
  expect(await opens(token)).toBe(401) // the new consent is not for the old token
  const again = await tokenOf(app, 'plant1')
  await hub.restart()
  expect(await opens(again)).toBe(200)
  await hub.operate('app.unsubscribe', use)
  expect(await opens(again)).toBe(401)
})

test('a consent covers what was asked for then: more needs another', async () => {
  const app = await addUsedApp({ access: 'custom', permissions: ['assets:read'] })
  await hub.operate('app.setAccess', { name: app.app, access: 'limited' })
  const before = await ask(app, 'plant1')
  expect(before.json.scope).toBe('assets:read')
  await hub.operate('app.consent', { name: app.app, tenant: 'plant1' })
  expect((await ask(app, 'plant1')).json.scope).toContain('files:write')

  await hub.operate('app.setAccess', { name: app.app, access: 'custom', permissions: [] })
  expect((await ask(app, 'plant1')).status).toBe(403)
})

test('a new secret goes beside the old one for a while, or ends it with its tokens at once', async () => {
  const app = await addUsedApp()
  const renew = async (atOnce: boolean): Promise<App> => ({
    ...app,
    ...(await hub.operate('app.rotateSecret', { name: app.app, atOnce })),
  })
  const second = await renew(false)
  expect(second.client_id).toBe(app.client_id)
  const [byOld, byNew] = [await tokenOf(app, 'plant1'), await tokenOf(second, 'plant1')]
  expect([await opens(byOld), await opens(byNew)]).toEqual([200, 200])

  hub.time.laterMs += limits.technicalTokens.secretOverlapMs
  expect((await ask(app, 'plant1')).status).toBe(401)
  const before = await tokenOf(second, 'plant1')
  const third = await renew(true)
  expect((await ask(second, 'plant1')).status).toBe(401)
  expect(await opens(before)).toBe(401)
  expect(await opens(await tokenOf(third, 'plant1'))).toBe(200)
})

test('a version that is de-registered loses everything at once, the other keeps all', async () => {
  const one = await addUsedApp()
  const two = await addApp({ name: one.app, version: '2.0.0' })
  expect(two.client_id).not.toBe(one.client_id)
  const [first, second] = [await tokenOf(one, 'plant1'), await tokenOf(two, 'plant1')]
  await hub.operate('app.remove', { name: one.app, version: '1.0.0' })
  expect([await opens(first), await opens(second)]).toEqual([401, 200])
  expect([(await ask(one, 'plant1')).status, (await ask(two, 'plant1')).status]).toEqual([401, 200])

  await hub.operate('app.remove', { name: one.app })
  expect(await opens(second)).toBe(401)
  const anew = await addApp({ name: one.app })
  expect((await ask(anew, 'plant1')).status).toBe(403) // nobody has agreed to this one
})

test('at most five user tenants have their tokens in one request, and either all do or none', async () => {
  const app = await addUsedApp()
  const own = await askSeveral(app, ['plant1', 'default'])
  expect(own.json.tokens).toMatchObject([
    { userTenantId: 'plant1', token_type: 'bearer', expires_in: 1799 },
    { userTenantId: 'default', token_type: 'bearer', expires_in: 1799 },
  ])
  for (const { userTenantId, access_token } of own.json.tokens)
    expect(claimsOf(access_token).ten).toBe(userTenantId)
  expect((await askSeveral(app, ['plant1', 'plant2'])).status).toBe(403)

  for (let n = 1; n <= 6; n++) await hub.operate('tenant.add', { name: `many${n}` })
  const many = (count: number) => Array.from({ length: count }, (_, at) => `many${at + 1}`)
  for (const tenant of many(6)) {
    await hub.operate('app.subscribe', { name: app.app, tenant })
    await hub.operate('app.consent', { name: app.app, tenant })
  }
  expect((await askSeveral(app, many(5))).json.tokens).toHaveLength(5)
  for (const wrong of [many(6), [], ['plant1', 'plant1']]) {
    const { status, json } = await askSeveral(app, wrong)
    expect([status, json]).toEqual([400, { id: expect.any(String), message: expect.any(String) }])
  }
})

test('the tenants that have consented are listed by pages to a token for the host tenant', async () => {
  const app = await addApp()
  for (const tenant of ['plant1', 'plant2', 'plant3'])
    await hub.operate('app.subscribe', { name: app.app, tenant })
  for (const tenant of ['plant3', 'plant1']) await hub.operate('app.consent', { name: app.app, tenant })
  const list = async (query: string, token: string) =>
    hub.call('GET', `${root}/userTenants${query}`, { token })
  const host = await tokenOf(app, 'default')
  expect((await list('', host)).json).toEqual({
    page: { size: 500, totalElements: 2, totalPages: 1, number: 0 },
    userTenants: [{ id: 'plant1' }, { id: 'plant3' }],
  })
  expect((await list('?page=1&size=1', host)).json).toEqual({
    page: { size: 1, totalElements: 2, totalPages: 2, number: 1 },
    userTenants: [{ id: 'plant3' }],
  })
  expect((await list('?page=0&size=501', host)).status).toBe(400)
  expect((await list('', await tokenOf(app, 'plant1'))).status).toBe(403)
  expect((await list('', hub.service)).status).toBe(401)
  expect((await list('', 'x')).status).toBe(401)
})

test('a wrong key is 401, a key of something else 403, an unknown tenant 404, a wrong body 400', async () => {
  const app = await addUsedApp()
  const other = await addUsedApp()
  const post = (headers: Record<string, string>, body: object = bodyOf(app, 'plant1')) =>
    hub.call('POST', `${root}/oauth/token`, { headers, body })
  const statuses = [
    [await post({}), 401],
    [await post({ 'x-space-auth-key': 'Basic !' }), 401],
    [await post({ 'x-space-auth-key': 'Bearer x' }), 401],
    [await post(keyOf({ ...app, client_secret: 'wrong' })), 401],
    [await post(keyOf({ ...app, client_id: 'unknown' })), 401],
    [await post({ authorization: keyOf(app)['x-space-auth-key'] }), 401],
    [await post(keyOf(app), bodyOf(other, 'plant1')), 403],
    [await post(keyOf(app), bodyOf({ ...app, version: '9' }, 'plant1')), 403],
    [await post(keyOf(app), bodyOf({ ...app, host: 'plant1' }, 'plant1')), 403],
    [await post(keyOf(app), bodyOf(app, 'nowhere')), 404],
    [await post(keyOf(app), { ...bodyOf(app, 'plant1'), appName: 7 }), 400],
    [await post(keyOf(app), { appName: app.app }), 400],
  ] as const
  for (const [{ status, json }, expected] of statuses) {
    expect(status).toBe(expected)
    expect(json).toEqual({ id: expect.any(String), message: expect.any(String) })
  }
})

test('an app that asks too often waits, and no other with it', async () => {
  const technicalTokens = { ...limits.technicalTokens, rate: [{ count: 2, spanMs: 60_000 }] }
  await using strict = await startHub({ limits: { ...limits, technicalTokens } })
  const [one, other] = [await addApp({}, strict), await addApp({}, strict)]
  for (const secret of ['a', 'b', 'c', one.client_secret, one.client_secret])
    await ask({ ...one, client_secret: secret }, 'default', {}, strict)
  const refused = await ask(one, 'default', {}, strict)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await ask(other, 'default', {}, strict)).status).toBe(200)
})

test('a secret is shown once and kept nowhere', async () => {
  const app = await addApp()
  expect(JSON.stringify(await hub.operate('app.list', {}))).not.toContain(app.client_secret)
})

test.each([
  ['app.add', { name: 'a/b', version: '1', access: 'limited', host: 'default' }, 'invalid'],
  ['app.add', { name: 'a', version: '1', access: 'limited', host: 'nowhere' }, 'not_found'],
  ['app.add', { name: 'a', version: '1', access: 'limited' }, 'invalid'],
  ['app.add', { name: 'a', version: '1', access: 'all', host: 'default' }, 'invalid'],
  ['app.add', { name: 'a', version: '1', access: 'custom', permissions: ['x'], host: 'default' }, 'invalid'],
  ['app.add', { name: 'a', version: '1', access: 'limited', permissions: ['assets:read'] }, 'invalid'],
  ['app.remove', { name: 'nothing' }, 'not_found'],
  ['app.subscribe', { name: 'nothing', tenant: 'plant1' }, 'not_found'],
])('%s %j is refused: %s', async (operation, params, code) => {
  await expect(hub.operate(operation, params)).rejects.toMatchObject({ code })
})

test('what contradicts itself is refused: no host subscribes to its own app, nobody twice', async () => {
  const { app: name } = await addApp()
  const refuse = (operation: string, params: object, code: string) =>
    expect(hub.operate(operation, { name, ...params })).rejects.toMatchObject({ code })
  await refuse('app.add', { version: '1.0.0', access: 'limited', host: 'default' }, 'conflict')
  await refuse('app.subscribe', { tenant: 'default' }, 'invalid')
  await refuse('app.subscribe', { tenant: 'nowhere' }, 'not_found')
  await refuse('app.consent', { tenant: 'plant2' }, 'not_found')
  await hub.operate('app.subscribe', { name, tenant: 'plant2' })
  await refuse('app.subscribe', { tenant: 'plant2' }, 'conflict')
  await refuse('app.revokeConsent', { tenant: 'plant2' }, 'conflict')
  await addApp({ name, host: 'plant1' })
  await refuse('app.rotateSecret', {}, 'invalid') // whose of the two?
  await hub.operate('app.rotateSecret', { name, host: 'plant1' })
})
