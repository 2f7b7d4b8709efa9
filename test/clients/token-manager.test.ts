import { MindConnectApiClient, TokenManagerAuth } from '@mindconnect/mindconnect-nodejs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { edgeward, readings } from '../harness.ts'
import { type ClientHub, startClientHub } from './hub.ts'

let hub: ClientHub

beforeAll(async () => {
  hub = await startClientHub({ EDGEWARD_HUB_TECHNICAL_TOKEN_RATE: '20/1m' })
  await hub.hub.operate('tenant.add', { name: 'plant1' })
})
afterAll(() => hub[Symbol.asyncDispose]())

/** On the machine of the hub, while it runs. */
async function command(...args: string[]) {
  const { code, stdout, stderr } = await edgeward([
    ...['hub', 'app', ...args],
    ...['--json', '--state-dir', `${hub.dir}/hub`],
  ])
  return { code, stderr, result: stdout === '' ? undefined : JSON.parse(stdout) }
}

async function addApp(name: string, ...options: string[]): Promise<string> {
  const args = ['--version', '1.0.0', '--host', 'default', ...options]
  const { client_id, client_secret } = (await command('add', name, ...args)).result
  return `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`
}
const auth = (key: string, app: string, userTenant: string, version?: string) =>
  new TokenManagerAuth(hub.base, key, 'default', userTenant, app, version)

/** As the library tells it. */
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it went through',
    (error: Error) => error.message,
  )

const configuration = {
  configurationId: 'CF-1',
  dataSources: [
    {
      name: 'pump',
      dataPoints: [{ id: 'DP1', name: 'n', type: 'DOUBLE', unit: 'C', description: '', customData: {} }],
    },
  ],
}

test('TokenManagerAuth gets a token that it verifies, renews, and that opens the data of the tenant', async () => {
  const key = await addApp('analytics')
  for (const verb of ['subscribe', 'consent']) await command(verb, 'analytics', '--tenant', 'plant1')
  const mine = auth(key, 'analytics', 'plant1')
  const token = await mine.GetToken()
  expect(await mine.GetToken()).toBe(token)
  const assets = await fetch(`${hub.base}/api/assetmanagement/v3/assets/root`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(await assets.json()).toMatchObject({ tenantId: 'plant1' })
})

test('what the library sends with it is stored, unless the access is limited', async () => {
  const { id } = await hub.hub.operate<{ id: string }>('agent.create', {
    ...{ name: 'press', profile: 'SHARED_SECRET', tenant: 'default' },
  })
  await hub.hub.operate('agent.configure', { id, configuration })
  const timestamp = '2026-11-21T10:00:00.000Z'
  const write = async (app: string, access: string) => {
    const key = await addApp(app, '--access', access)
    // biome-ignore lint/suspicious/noExplicitAny: the library's types name fewer ways to sign in than it has
    const client = new MindConnectApiClient(auth(key, app, 'default') as any)
    const values = [{ dataPointId: 'DP1', value: '21.5', qualityCode: '0' }]
    return client.Ingest(id, { timeseries: [{ timestamp, values }] })
  }
  expect(await failure(write('reader', 'limited'))).toContain('does not cover')
  expect(await readings(hub.hub, id)).toEqual([])
  await write('writer', 'read-write')
  expect(await readings(hub.hub, id)).toEqual([{ pointId: 'DP1', time: timestamp, value: 21.5, quality: 0 }])
})

test('without consent, for another version, tenant or secret the library learns why there is none', async () => {
  const key = await addApp('curious')
  expect(await failure(auth(key, 'curious', 'plant1').GetToken())).toContain('consented')
  await command('subscribe', 'curious', '--tenant', 'plant1')
  await command('consent', 'curious', '--tenant', 'plant1')
  const mine = auth(key, 'curious', 'plant1')
  const token = await mine.GetToken()
  await command('revoke-consent', 'curious', '--tenant', 'plant1')
  expect(await failure(auth(key, 'curious', 'plant1').GetToken())).toContain('consented')
  const closed = await fetch(`${hub.base}/api/assetmanagement/v3/assets`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(closed.status).toBe(401)

  expect(await failure(auth(key, 'curious', 'nowhere').GetToken())).toContain('no tenant nowhere')
  expect(await failure(auth(key, 'curious', 'default', '2.0.0').GetToken())).toContain('another application')
  expect(await failure(auth(`Basic ${btoa('curious:wrong')}`, 'curious', 'default').GetToken())).toContain(
    'not valid',
  )
  await command('remove', 'curious')
  expect(await failure(auth(key, 'curious', 'default').GetToken())).toContain('not valid')
})

test('the sixth user tenant is refused, and so is who asks too often', async () => {
  const key = await addApp('hungry')
  const post = (path: string, body: object) =>
    fetch(`${hub.base}/api/technicaltokenmanager/v3/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-space-auth-key': key },
      body: JSON.stringify({ appName: 'hungry', appVersion: '1.0.0', ...body }),
    })
  const userTenantIds = ['default', 'b', 'c', 'd', 'e', 'f']
  expect((await post('oauthTokens', { hostTenantId: 'default', userTenantIds })).status).toBe(400)
  const one = { hostTenant: 'default', userTenant: 'default' }
  const statuses = new Set<number>()
  for (let n = 0; n < 19; n++) statuses.add((await post('oauth/token', one)).status)
  expect([...statuses]).toEqual([200])
  expect(await failure(auth(key, 'hungry', 'default').GetToken())).toContain('Too Many Requests')
})

test('the command line makes, lists, changes and renews apps, and says what is wrong', async () => {
  await addApp('listed', '--access', 'custom', '--permission', 'assets:read', '--permission', 'events:write')
  await command('subscribe', 'listed', '--tenant', 'plant1')
  const listed = async () =>
    (await command('list')).result.find(({ app }: { app: string }) => app === 'listed')
  expect(await listed()).toMatchObject({
    ...{ version: '1.0.0', host: 'default', access: 'custom', permissions: ['assets:read', 'events:write'] },
    tenants: [{ tenant: 'plant1', consented: null }],
  })
  await command('access', 'listed', '--access', 'limited')
  await command('consent', 'listed', '--tenant', 'plant1')
  expect(await listed()).toMatchObject({
    access: 'limited',
    tenants: [{ tenant: 'plant1', consented: expect.arrayContaining(['files:write']) }],
  })
  await command('unsubscribe', 'listed', '--tenant', 'plant1')
  expect(await listed()).toMatchObject({ tenants: [] })
  const renewed = await command('rotate-secret', 'listed', '--at-once')
  expect(renewed.result).toMatchObject({ client_secret: expect.stringMatching(/^[\w-]{43}$/) })
  expect(await command('add', 'x', '--version', '1', '--access', 'all', '--host', 'default')).toMatchObject({
    code: 2,
  })
  const twice = await command('add', 'listed', '--version', '1.0.0', '--host', 'default')
  expect([twice.code, twice.stderr]).toEqual([1, expect.stringContaining('already')])
})
