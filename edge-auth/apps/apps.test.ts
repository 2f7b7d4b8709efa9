import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
})
afterAll(() => edge[Symbol.asyncDispose]())

const add = async (name: string, version: string) =>
  (await edge.run('app.add', { name, version })) as { client_id: string; client_secret: string }

test('each version of an app has its own secret for the one client id', async () => {
  const [one, two] = [await add('press', '1.0'), await add('press', '2.0')]
  expect(one.client_id).toBe('press')
  expect(two.client_id).toBe('press')
  expect(await edge.auth.authenticateApp('press', one.client_secret)).toBe(true)
  expect(await edge.auth.authenticateApp('press', two.client_secret)).toBe(true)
  expect(await edge.auth.authenticateApp('press', '')).toBe(false)
  expect(await edge.auth.authenticateApp('other', one.client_secret)).toBe(false)
  await expect(add('press', '2.0')).rejects.toMatchObject({ code: 'conflict' })
  expect(await edge.run('app.list')).toMatchObject([
    {
      client_id: 'press',
      ...{ grants: [], access: 'read_write', enabled: true, revision: 2 },
      versions: [
        { version: '1.0', createdAt: expect.any(Number), credential: 'secret' },
        { version: '2.0', createdAt: expect.any(Number), credential: 'secret' },
      ],
    },
  ])
})

test('a rotated or removed secret is void at once, listeners are told, and a restart keeps it so', async () => {
  const told: string[] = []
  edge.auth.onAppChange((clientId) => told.push(clientId))
  const { client_secret: old } = await add('oven', '1')
  const rotated = (await edge.run('app.rotateSecret', { name: 'oven' })) as { client_secret: string }
  expect(await edge.auth.authenticateApp('oven', old)).toBe(false)
  expect(await edge.auth.authenticateApp('oven', rotated.client_secret)).toBe(true)

  const { client_secret: second } = await add('oven', '2')
  await expect(edge.run('app.rotateSecret', { name: 'oven' })).rejects.toMatchObject({ code: 'invalid' })
  await edge.run('app.remove', { name: 'oven', version: '1' })
  expect(await edge.auth.authenticateApp('oven', rotated.client_secret)).toBe(false)
  expect(told).toEqual(['oven', 'oven'])

  await edge.restart()
  expect(await edge.auth.authenticateApp('oven', rotated.client_secret)).toBe(false)
  expect(await edge.auth.authenticateApp('oven', second)).toBe(true)
  await edge.run('app.remove', { name: 'oven' })
  expect(await edge.auth.authenticateApp('oven', second)).toBe(false)
  expect(JSON.stringify(await edge.run('app.list'))).not.toContain('oven')
})

test.each([
  ['app.add', { name: 'a/b', version: '1' }, 'invalid'],
  ['app.add', { name: 'press', version: '' }, 'invalid'],
  ['app.rotateSecret', { name: 'nobody' }, 'not_found'],
  ['app.remove', { name: 'nobody' }, 'not_found'],
  ['app.remove', { name: 'press', version: '9' }, 'not_found'],
  ['app.add', { name: 'authsdk', version: '1' }, 'conflict'],
  ['app.setGrants', { name: 'press', grants: ['everything'] }, 'invalid'],
  ['app.setGrants', { name: 'nobody', grants: [] }, 'not_found'],
  ['app.add', { name: 'new', version: '1', jwks: { keys: [] } }, 'invalid'],
  ['app.add', { name: 'new', version: '1', jwks: { kty: 'oct', k: 'c2VjcmV0' } }, 'invalid'],
  ['app.add', { name: 'new', version: '1', jwks: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }, 'invalid'],
])('%s %j is refused: %s', async (operation, params, code) => {
  await expect(edge.run(operation, params)).rejects.toMatchObject({ code })
})

const rotate = async (name: string, overlapMs: number) =>
  ((await edge.run('app.rotateSecret', { name, overlapMs })) as { client_secret: string }).client_secret
const technicalToken = async (name: string, secret: string, fields = {}) => {
  const answer = await edge.ask('/device/edge/auth/oauth2/token', {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${name}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }),
  })
  return answer.json() as { access_token: string; scope?: string; error?: string }
}
const isGood = (name: string, secret: string) => edge.auth.authenticateApp(name, secret)

test('an old secret is good until its overlap is over, after a restart too, and its tokens end with it', async () => {
  const { client_secret: old } = await add('saw', '1')
  const fresh = await rotate('saw', 3_600_000)
  const { access_token: token } = await technicalToken('saw', old)
  expect(await isGood('saw', token)).toBe(true)
  edge.passTime(3_590_000)
  await edge.restart()
  expect([await isGood('saw', old), await isGood('saw', fresh)]).toEqual([true, true])
  edge.passTime(20_000)
  expect([await isGood('saw', old), await isGood('saw', fresh)]).toEqual([false, true])
  expect(await isGood('saw', token)).toBe(false)
})

test('the next rotation without an overlap ends them all at once', async () => {
  const { client_secret: first } = await add('mill', '1')
  const second = await rotate('mill', 3_600_000)
  const third = await rotate('mill', 0)
  const good = await Promise.all([first, second, third].map((secret) => isGood('mill', secret)))
  expect(good).toEqual([false, false, true])
})

test('a second overlap leaves room for one old secret: what the oldest had opened is closed', async () => {
  const told: string[] = []
  edge.auth.onAppChange((clientId) => told.push(clientId))
  const { client_secret: first } = await add('press-2', '1')
  const second = await rotate('press-2', 3_600_000)
  expect(told).toEqual([])
  const third = await rotate('press-2', 3_600_000)
  const good = await Promise.all([first, second, third].map((secret) => isGood('press-2', secret)))
  expect(good).toEqual([false, true, true])
  expect(told).toEqual(['press-2'])
})

test('a token for less than its app may have writes no more than it says', async () => {
  const { client_secret: secret } = await add('scale', '1')
  const post = async (scope: string) => {
    const { access_token: token } = await technicalToken('scale', secret, { scope })
    const answer = await edge.ask('/api/v1/readings', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: { topic: 'apps/scale/x', payload: 1 },
    })
    return (answer.json() as { code: string }).code
  }
  expect(await post('files:read')).toBe('insufficient_scope')
  expect(await post('timeseries:write')).toBe('topic_not_bound')
  const signsIn = async (scope: string) =>
    isGood('scale', (await technicalToken('scale', secret, { scope })).access_token)
  expect([await signsIn('files:read'), await signsIn('timeseries:write')]).toEqual([false, true])
})

test('there is room for as many apps and versions as a box has', async () => {
  for (let version = 1; version <= 32; version++) await add('many', String(version))
  await expect(add('many', '33')).rejects.toMatchObject({ code: 'too_many' })
  const { length } = (await edge.run('app.list')) as object[]
  for (let at = length; at < 256; at++) await add(`app-${at}`, '1')
  await expect(add('one-more', '1')).rejects.toMatchObject({ code: 'too_many' })
  for (let at = length; at < 256; at++) await edge.run('app.remove', { name: `app-${at}` })
})

test('a disabled app proves nothing, and nobody passes to it, until it is enabled', async () => {
  const told: string[] = []
  edge.auth.onAppChange((clientId) => told.push(clientId))
  const { client_secret: secret } = await add('lathe', '1')
  const { access_token: token } = await technicalToken('lathe', secret)
  await edge.run('app.set', { name: 'lathe', path: '/lathe/', public: ['/lathe/open/'] })
  const pass = async () => {
    const headers = { 'x-original-uri': '/lathe/open/', 'x-original-method': 'GET' }
    return (await edge.ask('/device/edge/auth/verify', { via: 'proxy', headers })).status
  }
  expect(await pass()).toBe(200)
  await edge.run('app.change', { name: 'lathe', enabled: false })
  expect(told).toEqual(['lathe'])
  await edge.restart()
  expect([await isGood('lathe', secret), await isGood('lathe', token), await pass()]).toEqual([
    ...[false, false, 403],
  ])
  expect(edge.auth.appRights('lathe')).toBeUndefined()
  await edge.run('app.change', { name: 'lathe', enabled: true })
  expect([await isGood('lathe', secret), await isGood('lathe', token), await pass()]).toEqual([
    true,
    true,
    200,
  ])
  expect(await edge.run('app.show', { name: 'lathe' })).toMatchObject({
    health: { broker: null, guard: { passed: 1, denied: 1, errors: [{ message: 'app_disabled' }] } },
  })
})

test('the access profile says which scopes a token has, and whether measurements are taken', async () => {
  const { client_secret: secret } = await add('crane', '1')
  const scopes = async () => (await technicalToken('crane', secret)).scope?.split(' ')
  const { access_token: before } = await technicalToken('crane', secret)
  expect(await scopes()).toContain('timeseries:write')
  await edge.run('app.change', { name: 'crane', access: 'limited' })
  expect(await scopes()).toEqual([
    ...['assets:read', 'assets:write', 'events:read', 'events:write', 'files:read', 'files:write'],
    'timeseries:read',
  ])
  expect(await technicalToken('crane', secret, { scope: 'timeseries:write' })).toMatchObject({
    error: 'invalid_scope',
  })
  expect(edge.auth.appRights('crane')?.writesTimeSeries).toBe(false)
  const posted = await edge.ask('/api/v1/readings', {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`crane:${secret}`)}` },
    body: { topic: 'apps/crane/x', payload: 1 },
  })
  expect([posted.status, (posted.json() as { code: string }).code]).toEqual([403, 'insufficient_scope'])
  await edge.run('app.change', { name: 'crane', access: 'custom', scopes: ['files:read'] })
  expect(await scopes()).toEqual(['files:read'])
  const introspected = await edge.ask('/device/edge/auth/oauth2/introspect', {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`crane:${secret}`)}` },
    body: new URLSearchParams({ token: before }),
  })
  expect(introspected.json()).toMatchObject({ active: true, scope: 'files:read' }) // what it has lost is gone
})

test('a change is bound to the revision that it was made for', async () => {
  await add('hoist', '1')
  const set = (properties: object, ifRevision: number) =>
    edge.run('app.change', { name: 'hoist', properties, ifRevision })
  expect(await set({ line: 4 }, 1)).toMatchObject({ revision: 2, properties: { line: 4 } })
  await expect(set({ line: 5 }, 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  expect(await set({ line: 4 }, 2)).toMatchObject({ revision: 2 }) // nothing differs
})

test.each([
  [{ scopes: ['files:read'] }, 'invalid'],
  [{ access: 'custom', scopes: ['everything'] }, 'invalid'],
  [{ topics: { publish: ['#'] } }, 'invalid'],
  [{ topics: { subscribe: ['$SYS/#'] } }, 'invalid'],
  [{ topics: { subscribe: ['plant/#/x'] } }, 'invalid'],
  [{ properties: { text: 'x'.repeat(16_384) } }, 'invalid'],
  [{ quota: { messages: 0 } }, 'invalid'],
  [{ unit: 'ssh' }, 'invalid'],
  [{ unit: '--all.service; rm' }, 'invalid'],
])('%j is no setting of an app: %s', async (settings, code) => {
  await expect(edge.run('app.change', { name: 'press', ...settings })).rejects.toMatchObject({ code })
})

test.each([40, 6_000])('properties that are nested %i deep are refused', async (depth) => {
  const deep = JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  const change = edge.run('app.change', { name: 'press', properties: { deep } })
  await change.then(
    () => expect.unreachable(),
    ({ code }) => expect(code).toBe('invalid'),
  )
})

test('who may manage his own apps only makes them no mightier, and the command line alone sets a unit', async () => {
  await edge.run('role.add', { name: 'Maker', permissions: { Applications: ['CREATE'] } })
  await edge.addUser('mia', 'Maker')
  await edge.addUser('amy', 'AppAdmin')
  const as = (user: string, operation: string, params: object) =>
    edge.auth.operations[operation]?.(params, { user }) as Promise<unknown>
  await as('mia', 'app.add', { name: 'mine', version: '1' })
  await as('mia', 'app.change', { name: 'mine', properties: { by: 'mia' } })
  await as('mia', 'app.rotateSecret', { name: 'mine' })
  expect(await as('mia', 'app.list', {})).toMatchObject([{ client_id: 'mine', owner: 'mia' }])
  for (const settings of [
    { topics: { publish: ['plant/#'] } },
    { quota: { messages: null } },
    { access: 'read_write' },
    { enabled: true },
  ])
    await expect(as('mia', 'app.change', { name: 'mine', ...settings })).rejects.toMatchObject({
      code: 'forbidden',
    })
  for (const [operation, params] of [
    ['app.show', {}],
    ['app.rotateSecret', {}],
    ['app.remove', {}],
    ['app.add', { version: '9' }],
  ] as const)
    await expect(as('mia', operation, { name: 'press', ...params })).rejects.toMatchObject({
      code: 'forbidden',
    })
  await expect(as('amy', 'app.change', { name: 'mine', unit: 'ssh.service' })).rejects.toMatchObject({
    code: 'machine_only',
  })
  await edge.run('user.remove', { name: 'mia' })
  await edge.addUser('mia', 'Maker')
  await edge.restart()
  await expect(as('mia', 'app.rotateSecret', { name: 'mine' })).rejects.toMatchObject({ code: 'forbidden' })
})
