import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { limits, management, startHub, type TestHub } from '../test-hub.ts'

let hub: TestHub

beforeAll(async () => {
  hub = await startHub()
})

beforeEach(() => {
  hub.time.laterMs = 0
})

afterAll(() => hub[Symbol.asyncDispose]())

test('agents are made, listed in pages, changed and deleted over HTTP', async () => {
  const agents = `${management}/agents`
  const token = await hub.serviceToken(await hub.operate('tenant.add', { name: 'pages' }))
  const body = { name: 'b', securityProfile: 'RSA_3072', entityId: 'e1' }
  const made = await hub.call('POST', agents, { token, body })
  expect(made).toMatchObject({ status: 201, json: { ...body, eTag: '1' } })
  expect(made.json.id).toMatch(/^[0-9a-f]{32}$/)
  expect(await hub.call('POST', agents, { token, body })).toMatchObject({ status: 409 })
  for (const name of ['a', 'c']) await hub.create('SHARED_SECRET', { name, tenant: 'pages' })

  const page = await hub.call('GET', `${agents}?size=2&page=1&sort=name,desc`, { token })
  expect(page.json).toMatchObject({
    content: [{ name: 'a' }],
    totalElements: 3,
    totalPages: 2,
    number: 1,
    size: 2,
    first: false,
    last: true,
    numberOfElements: 1,
    sort: [{ property: 'name', direction: 'DESC' }],
  })
  const filter = encodeURIComponent(JSON.stringify({ securityProfile: 'RSA_3072' }))
  expect((await hub.call('GET', `${agents}?filter=${filter}`, { token })).json.content).toEqual([made.json])
  expect((await hub.call('GET', `${agents}?filter=%7B`, { token })).status).toBe(400)

  const path = `${agents}/${made.json.id}`
  const change = { name: 'd', securityProfile: 'RSA_3072' }
  const put = (headers: Record<string, string>) => hub.call('PUT', path, { token, body: change, headers })
  expect((await put({})).status).toBe(400)
  expect((await put({ 'if-match': '7' })).status).toBe(412)
  expect(await put({ 'if-match': '"1"' })).toMatchObject({ status: 200, json: { name: 'd', eTag: '2' } })
  expect((await hub.call('GET', `${path}/status`, { token })).json).toEqual({ status: 'OFFLINE' })
  expect((await hub.call('DELETE', path, { token, headers: { 'if-match': '2' } })).status).toBe(204)
  const gone = await hub.call('GET', path, { token })
  expect(gone).toMatchObject({ status: 404, json: { message: 'Resource not found.' } })
})

test('a data source configuration is changed by who has seen the version in force', async () => {
  const { id, boarding } = await hub.create('SHARED_SECRET', { name: 'press-07' })
  const { json: registration } = await hub.register(boarding)
  const agent: string = (await hub.token(registration)).json.access_token
  const path = `${management}/agents/${id}/dataSourceConfiguration`
  const point = {
    id: 'DP1',
    name: 'memory',
    type: 'DOUBLE',
    unit: 'B',
    customData: { metric: 'memory.used' },
  }
  const body = { configurationId: 'CF-1', dataSources: [{ name: 'box', dataPoints: [point] }] }
  const put = (eTag: string, change = body) =>
    hub.call('PUT', path, { token: agent, body: change, headers: { 'if-match': eTag } })

  expect((await hub.call('GET', path, { token: agent })).json).toEqual({ id, eTag: '0', dataSources: [] })
  expect(await put('0')).toMatchObject({ status: 200, json: { id, eTag: '1', ...body } })
  expect((await put('0')).status).toBe(412)
  const repeated = { ...body, dataSources: [{ name: 'box', dataPoints: [point, point] }] }
  expect(await put('1', repeated)).toMatchObject({
    status: 400,
    json: { message: expect.stringContaining('DP1') },
  })
  expect(await hub.operate('agent.configure', { id: 'press-07', configuration: body })).toEqual({
    id,
    eTag: '2',
  })
  expect((await hub.call('GET', path, { token: hub.service })).json).toEqual({ id, eTag: '2', ...body })
})

test('no tenant sees the agents of another, and an agent sees only its own configuration', async () => {
  const { id, boarding } = await hub.create('SHARED_SECRET')
  const other = await hub.serviceToken(await hub.operate('tenant.add', { name: 'other' }))
  const agents = `${management}/agents`
  const { json: registration } = await hub.register(boarding)
  const agent: string = (await hub.token(registration)).json.access_token
  for (const path of [id, `${id}/boarding/configuration`, `${id}/dataSourceConfiguration`])
    expect((await hub.call('GET', `${agents}/${path}`, { token: other })).status).toBe(404)
  expect((await hub.call('GET', `/api/hub/v1/agents/${id}/readings`, { token: other })).status).toBe(404)
  expect((await hub.call('GET', agents, { token: other })).json.totalElements).toBe(0)

  const neighbour = await hub.create('SHARED_SECRET')
  const configuration = (of: string) =>
    hub.call('GET', `${agents}/${of}/dataSourceConfiguration`, { token: agent })
  expect((await configuration(id)).status).toBe(200)
  expect((await configuration(neighbour.id)).status).toBe(404)
  expect((await hub.call('GET', agents, { token: agent })).status).toBe(401)
  expect((await hub.call('GET', agents)).status).toBe(401)
})

test('tokens end with their hour, with the service credential, and never pass for another kind', async () => {
  const { id, boarding } = await hub.create('SHARED_SECRET')
  const path = `${management}/agents/${id}`
  expect((await hub.call('GET', path, { token: boarding.content.iat })).status).toBe(401)
  const [header, claims] = hub.service.split('.') as [string, string]
  const other = Buffer.from(header, 'base64url').toString().replace('RS256', 'HS256')
  for (const forged of [
    `${Buffer.from(other).toString('base64url')}.${claims}.AAAA`,
    `${header}.${claims}.AAAA`,
    'a.b.c',
    'garbage',
  ])
    expect((await hub.call('GET', path, { token: forged })).status).toBe(401)
  expect((await hub.call('GET', path, { token: hub.service })).status).toBe(200)
  hub.time.laterMs = 3_600_000
  expect((await hub.call('GET', path, { token: hub.service })).status).toBe(401)

  const credential = await hub.operate('tenant.credential', { name: 'default' })
  const fresh = await hub.serviceToken(credential)
  expect((await hub.call('GET', path, { token: fresh })).status).toBe(200)
  await hub.operate('tenant.revoke', { client_id: credential.client_id })
  expect((await hub.call('GET', path, { token: fresh })).status).toBe(401)
  const refused = await hub.call('POST', '/oauth/token', {
    body: 'grant_type=client_credentials',
    headers: { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` },
  })
  expect(refused).toMatchObject({ status: 401, json: { error: 'invalid_client' } })
  expect(refused.headers['www-authenticate']).toMatch(/^Basic/)
})

test('the key endpoints give the PEM in the two forms that clients need', async () => {
  const [one, listed] = await Promise.all([
    hub.call('GET', `${management}/oauth/token_key`),
    hub.call('GET', '/token_keys'),
  ])
  expect(one.json).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig', kid: listed.json.keys[0].kid })
  expect(one.json.value).not.toContain('\n')
  expect(listed.json.keys[0].value).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
  expect(listed.json.keys[0].value.replaceAll('\n', '')).toBe(one.json.value)
})

test('types of data points are taken in any case and given back in capitals', async () => {
  const { id } = await hub.create('SHARED_SECRET')
  const point = (type: string) => ({ id: type, name: type, type, unit: '' })
  const points = ['int', 'Double', 'BIG_STRING', 'Timestamp'].map(point)
  const { status, json } = await hub.call('PUT', `${management}/agents/${id}/dataSourceConfiguration`, {
    token: hub.service,
    body: { configurationId: 'CF', dataSources: [{ name: 's', dataPoints: points }] },
    headers: { 'if-match': '0' },
  })
  expect(status).toBe(200)
  const types = json.dataSources[0].dataPoints.map(({ type }: { type: string }) => type)
  expect(types).toEqual(['INT', 'DOUBLE', 'BIG_STRING', 'TIMESTAMP'])
})

test('a tenant has so many agents and lists them so often, as the operator of the hub allows', async () => {
  const rate = [{ count: 2, spanMs: 30_000 }]
  await using small = await startHub({ limits: { ...limits, agentsPerTenant: 1, listAgents: rate } })
  await small.create('SHARED_SECRET')
  await expect(small.create('SHARED_SECRET')).rejects.toMatchObject({ code: 'limit_reached' })
  const list = () => small.call('GET', `${management}/agents`, { token: small.service })
  expect([(await list()).status, (await list()).status]).toEqual([200, 200])
  const refused = await list()
  expect(refused.status).toBe(429)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
})
