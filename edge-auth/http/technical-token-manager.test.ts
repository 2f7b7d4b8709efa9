import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth({ localTenant: 'box' })
})
afterAll(() => edge[Symbol.asyncDispose]())

interface Credential {
  client_id: string
  client_secret: string
}

const root = '/api/technicaltokenmanager/v3'
const add = (name: string, version = '1') => edge.run('app.add', { name, version }) as Promise<Credential>
const keyOf = ({ client_id, client_secret }: Credential) => ({
  'x-space-auth-key': `Basic ${btoa(`${client_id}:${client_secret}`)}`,
})
const bodyOf = (appName: string, userTenant = 'box') => ({
  ...{ appName, appVersion: '1', hostTenant: 'box', userTenant },
})
const ask = (headers: Record<string, string>, body: object, path = 'oauth/token') =>
  edge.ask(`${root}/${path}`, { method: 'POST', headers, body })
const tokenOf = async (app: Credential): Promise<string> =>
  ((await ask(keyOf(app), bodyOf(app.client_id))).json() as { access_token: string }).access_token

test('a token for the box is one of its own, says so, and ends with the app', async () => {
  const app = await add('press')
  const answer = await ask(keyOf(app), { ...bodyOf('press'), grant_type: 'client_credentials' })
  expect([answer.status, answer.json()]).toEqual([
    200,
    {
      ...{
        access_token: expect.any(String),
        token_type: 'bearer',
        expires_in: 3600,
        scope: expect.any(String),
      },
      ...{ jti: expect.any(String), local: true },
    },
  ])
  const { access_token } = answer.json() as { access_token: string }
  expect(await edge.auth.authenticateApp('press', access_token)).toBe(true)
  await edge.run('app.remove', { name: 'press' })
  expect(await edge.auth.authenticateApp('press', access_token)).toBe(false)
})

test('who shows no key, another key, or a key of another app or version, gets nothing', async () => {
  const [app, other] = [await add('oven'), await add('mill')]
  const statuses = [
    await ask({}, bodyOf('oven')),
    await ask(keyOf({ ...app, client_secret: 'x' }), bodyOf('oven')),
    await ask(keyOf(other), bodyOf('oven')),
    await ask(keyOf(app), { ...bodyOf('oven'), appVersion: '2' }),
    await ask(keyOf(app), { appName: 'oven' }),
    await ask(
      keyOf(app),
      { appName: 'oven', appVersion: '1', hostTenantId: 'box', userTenantIds: [...'abcdef'] },
      'oauthTokens',
    ),
  ].map(({ status }) => status)
  expect(statuses).toEqual([401, 401, 403, 403, 400, 400])
})

test('for a tenant of the hub an app must be linked, and the hub there', async () => {
  const app = await add('saw')
  const detailOf = async () => {
    const answer = await ask(keyOf(app), bodyOf('saw', 'plant1'))
    const { code, detail } = answer.json() as { code: string; detail: string }
    return [answer.status, code, detail]
  }
  expect(await detailOf()).toEqual([403, 'not_linked', expect.stringContaining('the user tenant box')])
  await edge.run('app.linkHub', { name: 'saw', hubClientId: 'at-the-hub', hubSecret: 'secret' })
  await edge.restart()
  expect(await detailOf()).toEqual([503, 'hub_away', expect.stringContaining('the user tenant box')])
  await edge.run('app.unlinkHub', { name: 'saw' })
  expect(await detailOf()).toEqual([403, 'not_linked', expect.any(String)])
})

test('a link ends with its version, and one that comes after has none', async () => {
  const app = await add('lathe')
  await edge.run('app.linkHub', { name: 'lathe', version: '1', hubClientId: 'h', hubSecret: 's' })
  await edge.run('app.remove', { name: 'lathe' })
  const again = await add('lathe')
  expect((await ask(keyOf(app), bodyOf('lathe', 'plant1'))).status).toBe(401)
  expect((await ask(keyOf(again), bodyOf('lathe', 'plant1'))).status).toBe(403)
  await expect(edge.run('app.unlinkHub', { name: 'lathe' })).rejects.toMatchObject({ code: 'not_found' })
  await edge.restart()
  await expect(edge.run('app.unlinkHub', { name: 'lathe' })).rejects.toMatchObject({ code: 'not_found' })
})

test('the list of user tenants has none without the hub, and is for tokens of apps only', async () => {
  const token = await tokenOf(await add('drill'))
  const list = (authorization: string) =>
    edge.ask(`${root}/userTenants?size=7`, { headers: { authorization } })
  expect((await list(`Bearer ${token}`)).json()).toEqual({
    page: { size: 7, totalElements: 0, totalPages: 0, number: 0 },
    userTenants: [],
    local: true,
  })
  expect((await list('Bearer x')).status).toBe(401)
  await edge.addUser('ada', 'Admin')
  expect((await list(`Bearer ${await edge.signIn('ada')}`)).status).toBe(401)
})

test('who may not change apps links none to the hub', async () => {
  await edge.addUser('vic', 'Viewer')
  const caller = { user: 'vic' }
  const link = { name: 'press', hubClientId: 'h', hubSecret: 's' }
  await expect(edge.run('app.linkHub', link, caller)).rejects.toMatchObject({ code: 'forbidden' })
  await expect(edge.run('app.unlinkHub', { name: 'press' }, caller)).rejects.toMatchObject({
    code: 'forbidden',
  })
})

test.each([
  ['app.linkHub', { name: 'nobody', hubClientId: 'h', hubSecret: 's' }, 'not_found'],
  ['app.linkHub', { name: 'press', hubClientId: 'a:b', hubSecret: 's' }, 'invalid'],
  ['app.linkHub', { name: 'press', hubClientId: 'h', hubSecret: '' }, 'invalid'],
])('%s %j is refused: %s', async (operation, params, code) => {
  await expect(edge.run(operation, params)).rejects.toMatchObject({ code })
})
