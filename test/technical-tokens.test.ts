import { expect, test } from 'vitest'
import {
  createAgent,
  edgeward,
  eventually,
  type Gateway,
  type Hub,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

interface Credential {
  client_id: string
  client_secret: string
}

const manager = '/api/technicaltokenmanager/v3'
const keyOf = ({ client_id, client_secret }: Credential) => ({
  'x-space-auth-key': `Basic ${btoa(`${client_id}:${client_secret}`)}`,
})
const ofVersion = { appName: 'press', appVersion: '1.0.0' }

async function ask(url: string, init: RequestInit = {}) {
  const answer = await fetch(url, init)
  return { status: answer.status, headers: answer.headers, json: JSON.parse(await answer.text()) }
}

/** As an app of the box asks it. */
function askingAs(gateway: Gateway, key: Record<string, string>) {
  const post = (path: string, body: object) =>
    ask(`${gateway.addresses.auth}${manager}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...key },
      body: JSON.stringify({ ...ofVersion, ...body }),
    })
  return {
    one: (userTenant: string, more: object = {}) =>
      post('oauth/token', { hostTenant: 'default', userTenant, ...more }),
    several: (...userTenantIds: string[]) => post('oauthTokens', { hostTenantId: 'default', userTenantIds }),
    tenants: (token: string, query = '') =>
      ask(`${gateway.addresses.auth}${manager}/userTenants${query}`, {
        headers: { authorization: `Bearer ${token}` },
      }),
  }
}

/** The app of the box, and the same at the hub, which plant1 lets in. */
async function register(hub: Hub, gateway: Gateway) {
  await hub.operate('tenant.add', { name: 'plant1' })
  const app = { name: 'press', version: '1.0.0' }
  const atHub = await hub.operate<Credential>('app.add', { ...app, host: 'default', access: 'limited' })
  for (const operation of ['app.subscribe', 'app.consent'])
    await hub.operate(operation, { name: 'press', tenant: 'plant1' })
  return { atHub, onBox: await gateway.operate<Credential>('app.add', app) }
}

const openedAt = async (hub: Hub, token: string) =>
  (
    await ask(`${hub.addresses.http}/api/assetmanagement/v3/assets/root`, {
      headers: { authorization: `Bearer ${token}` },
    })
  ).json.tenantId

test('an app of the box gets tokens of the hub while it is linked and the hub is there, and its own always', async () => {
  await using dir = await tempDir()
  let hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const { boarding } = await createAgent(hub, 'box')
  await using gateway = await startGateway(`${dir.path}/box`, { EDGEWARD_DEVICE_NAME: 'press-box' })
  const { atHub, onBox } = await register(hub, gateway)
  const app = askingAs(gateway, keyOf(onBox))

  const local = await app.one('press-box')
  expect([local.status, local.json]).toMatchObject([200, { token_type: 'bearer', local: true }])
  const unlinked = await app.one('plant1')
  expect([unlinked.status, unlinked.json.code, unlinked.json.detail]).toEqual([
    ...[403, 'not_linked'],
    expect.stringContaining('only tokens for this box, the user tenant press-box'),
  ])

  const link = ['app', 'link-hub', 'press', '--client-id', atHub.client_id, '--state-dir', `${dir.path}/box`]
  expect((await edgeward(link)).code).toBe(2)
  const linked = await edgeward([...link, '--secret-stdin'], { input: `${atHub.client_secret}\n` })
  expect([linked.code, linked.stdout]).toEqual([0, expect.not.stringContaining(atHub.client_secret)])
  const early = await app.one('plant1')
  expect([early.status, early.json.detail]).toEqual([503, expect.stringContaining('not onboarded')])

  await gateway.operate('identity.onboard', { boarding })
  await eventually('onboarded', async () => (await app.one('plant1')).status === 200)
  const ofHub = await app.one('plant1', { more: 'ignored' })
  expect(ofHub.json).toMatchObject({ token_type: 'bearer', expires_in: 1799, jti: expect.any(String) })
  expect(ofHub.json).not.toHaveProperty('local')
  expect(await openedAt(hub, ofHub.json.access_token)).toBe('plant1')
  const both = await app.several('plant1', 'press-box', 'default')
  expect(both.json.tokens).toMatchObject([
    { userTenantId: 'plant1' },
    { userTenantId: 'press-box', local: true },
    { userTenantId: 'default' },
  ])

  const host = (await app.one('default')).json.access_token
  expect((await app.tenants(host, '?page=0&size=10')).json).toEqual({
    page: { size: 10, totalElements: 1, totalPages: 1, number: 0 },
    userTenants: [{ id: 'plant1' }],
  })
  const nobodys = await app.tenants(local.json.access_token)
  expect([nobodys.json.userTenants, nobodys.json.local, nobodys.headers.get('warning')]).toEqual([
    ...[[], true],
    expect.stringContaining('no tenant of the hub'),
  ])
  expect((await app.tenants(`${host.slice(0, -4)}AAAA`)).status).toBe(401) // says the hub
  expect((await app.tenants('x')).status).toBe(401)

  await hub.operate('app.revokeConsent', { name: 'press', tenant: 'plant1' })
  const refused = await app.one('plant1')
  expect([refused.status, refused.json.detail]).toEqual([403, expect.stringContaining('consented')])
  expect((await app.one('nowhere')).status).toBe(404)

  const addresses = sameAddresses(hub)
  await hub.stop()
  const away = await app.one('default')
  expect([away.status, away.json.code, away.json.detail]).toEqual([
    ...[503, 'hub_away'],
    expect.stringContaining('only tokens for this box'),
  ])
  expect((await app.several('default', 'press-box')).status).toBe(503)
  expect((await app.one('press-box')).status).toBe(200)
  expect((await app.several('press-box')).json.tokens).toMatchObject([{ local: true }])

  hub = await startHub(`${dir.path}/hub`, addresses)
  await using _hub = hub
  expect((await app.one('default')).status).toBe(200)
  await hub.operate('app.rotateSecret', { name: 'press', atOnce: true })
  const stale = await app.one('default')
  expect([stale.status, stale.json.detail]).toEqual([403, expect.stringContaining('linked with')])
  await gateway.operate('app.unlinkHub', { name: 'press' })
  expect((await app.one('default')).json.code).toBe('not_linked')
})
