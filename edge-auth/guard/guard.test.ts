import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
const tokens: Record<string, string> = {}
beforeAll(async () => {
  edge = await startEdgeAuth()
  for (const [name, role] of [
    ['ann', 'Operator'],
    ['vic', 'Viewer'],
  ] as const) {
    await edge.addUser(name, role)
    tokens[name] = await edge.signIn(name)
  }
})
afterAll(() => edge[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const { client_id: name } of (await edge.run('app.list')) as { client_id: string }[])
    await edge.run('app.remove', { name })
  for (const name of ['press', 'oven']) await edge.run('app.add', { name, version: '1' })
})

const set = (settings: object, name = 'press') => edge.run('app.set', { name, ...settings })
async function decide(user: string | undefined, uri: string, method = 'GET', headers = {}): Promise<number> {
  const all: Record<string, string> = { 'x-original-uri': uri, 'x-original-method': method, ...headers }
  if (user !== undefined) all.cookie = `access_token=${tokens[user]}`
  return (await edge.ask('/device/edge/auth/verify', { via: 'proxy', headers: all })).status
}

test('a rule counts with the next question, and after a restart', async () => {
  expect(await decide('vic', '/press/')).toBe(200)
  await set({ path: '/press/', roles: ['Operator'] })
  expect([await decide('vic', '/press/'), await decide('ann', '/press/')]).toEqual([403, 200])
  await edge.restart()
  expect([await decide('vic', '/press/x'), await decide('ann', '/press')]).toEqual([403, 200])
  await edge.run('app.unset', { name: 'press' })
  expect(await decide('vic', '/press/')).toBe(200)
})

test('what is not given stays as it was', async () => {
  await set({
    path: '/press',
    upstream: 'http://127.0.0.1:3000/',
    roles: ['Operator'],
    public: ['/press/andon'],
  })
  expect(await set({ methods: ['GET'], withhold_token: true })).toEqual({
    ...{ client_id: 'press', path: '/press/', upstream: 'http://127.0.0.1:3000', roles: ['Operator'] },
    ...{ methods: ['GET'], rules: [], public: ['/press/andon/'], withhold_token: true },
  })
  expect([await decide('ann', '/press/', 'POST'), await decide(undefined, '/press/andon/x')]).toEqual([
    403, 200,
  ])
  expect(await set({ methods: [], public: [], upstream: null })).toMatchObject({
    upstream: null,
    methods: [],
    public: [],
  })
  expect([await decide('ann', '/press/', 'POST'), await decide(undefined, '/press/andon/x')]).toEqual([
    200, 401,
  ])
})

test('an app that goes takes its rules with it', async () => {
  await set({ path: '/press/', roles: ['Operator'] })
  await edge.run('app.remove', { name: 'press' })
  expect(await edge.run('guard.list')).toEqual([])
  await edge.run('app.add', { name: 'press', version: '2' })
  await edge.restart()
  expect(await edge.run('guard.list')).toEqual([])
})

test('each change of a rule is in the audit', async () => {
  await set({ path: '/press/', roles: ['Operator'] })
  await edge.run('app.unset', { name: 'press' })
  const { entries } = (await edge.run('audit.list', { type: 'app_changed' })) as { entries: object[] }
  expect(entries.slice(0, 2)).toMatchObject([
    { clientId: 'press', reason: 'guard_changed', detail: { gate: null } },
    {
      clientId: 'press',
      reason: 'guard_changed',
      detail: { gate: { path: '/press/', roles: ['Operator'] } },
    },
  ])
})

describe('refused as a rule is', () => {
  test.each([
    [{}, 'invalid'],
    [{ path: 'press/' }, 'invalid'],
    [{ path: '/press/../x/' }, 'invalid'],
    [{ path: '/press/x./' }, 'invalid'],
    [{ path: '/pr%65ss/' }, 'invalid'],
    [{ path: '/press/; }\n' }, 'invalid'],
    [{ path: '/device/edge/' }, 'invalid'],
    [{ path: '/DEVICE/x/' }, 'invalid'],
    [{ path: '/edgeward-verify/' }, 'invalid'],
    [{ path: '/oven/' }, 'conflict'],
    [{ path: '/OVEN/' }, 'conflict'],
    [{ path: '/press/', roles: ['Boss'] }, 'invalid'],
    [{ path: '/press/', methods: ['get'] }, 'invalid'],
    [{ path: '/press/', public: ['/oven/x/'] }, 'invalid'],
    [{ path: '/press/', rules: [{ path: '/', methods: [], roles: [] }] }, 'invalid'],
    [{ path: '/press/', upstream: 'https://127.0.0.1:3000' }, 'invalid'],
    [{ path: '/press/', upstream: 'http://127.0.0.1:3000/sub' }, 'invalid'],
    [{ path: '/press/', upstream: 'http://u:p@127.0.0.1' }, 'invalid'],
    // What is a host to a URL can be more than that to the file of a proxy.
    [{ path: '/press/', upstream: 'http://$http_x' }, 'invalid'],
    [{ path: '/press/', upstream: 'http://a;internal' }, 'invalid'],
    [{ path: '/press/', upstream: 'http://{env.secret}' }, 'invalid'],
    [{ path: '/press/', upstream: 'http://a"b' }, 'invalid'],
    [{ path: '/press/', colour: 'red' }, 'invalid'],
  ])('%j: %s', async (settings, code) => {
    await set({ path: '/oven/' }, 'oven')
    await expect(set(settings)).rejects.toMatchObject({ code })
    expect(await edge.run('guard.list')).toHaveLength(1)
  })
  test('of an app that is not there', async () => {
    await expect(set({ path: '/x/' }, 'nobody')).rejects.toMatchObject({ code: 'not_found' })
    await expect(edge.run('app.unset', { name: 'press' })).rejects.toMatchObject({ code: 'not_found' })
  })
})

test('what the proxy does not say is not assumed', async () => {
  await set({ path: '/press/', methods: ['GET'] })
  const headers: Record<string, string> = { cookie: `access_token=${tokens.ann}` }
  const ask = async (more: Record<string, string>) =>
    (await edge.ask('/device/edge/auth/verify', { via: 'proxy', headers: { ...headers, ...more } })).status
  expect(await ask({})).toBe(403)
  expect(await ask({ 'x-original-uri': '/press/' })).toBe(403)
  expect(await ask({ 'x-original-uri': '/press/', 'x-forwarded-method': 'GET' })).toBe(200)
  expect(
    await ask({ 'x-original-uri': '/press/', 'x-forwarded-method': 'GET', 'x-original-method': 'PUT' }),
  ).toBe(403)
})

test('a configuration is written for apps whose address is known alone', async () => {
  const config = (params: object) => edge.run('proxy.config', params) as Promise<{ text: string }>
  await set({ path: '/press/' })
  await expect(config({ proxy: 'nginx' })).rejects.toMatchObject({
    cure: expect.stringContaining('--upstream'),
  })
  await expect(config({ proxy: 'nginx', apps: ['oven'] })).rejects.toMatchObject({
    cure: expect.stringContaining('app set oven --path'),
  })
  await expect(config({ proxy: 'apache' })).rejects.toMatchObject({ code: 'invalid' })
  await set({ upstream: 'http://127.0.0.1:3000' })
  await set({ path: '/oven/', upstream: 'http://127.0.0.1:3001' }, 'oven')
  const { text } = await config({ proxy: 'nginx', apps: ['oven'] })
  expect(text).toContain('location /oven/')
  expect(text).not.toContain('location /press/')
})

test('where nothing is known of an app, the setting decides', async () => {
  await using strict = await startEdgeAuth({ guardDefault: 'deny' })
  await strict.addUser('ann', 'Admin')
  const headers = { cookie: `access_token=${await strict.signIn('ann')}`, 'x-original-uri': '/x' }
  expect((await strict.ask('/device/edge/auth/verify', { via: 'proxy', headers })).status).toBe(403)
})
