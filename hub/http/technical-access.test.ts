import { afterAll, beforeAll, expect, test } from 'vitest'
import { permissions } from '../technical-tokens/access.ts'
import { startHub, type TestHub } from '../test-hub.ts'
import { permissionFor, technicalRoutes } from './technical-access.ts'

let hub: TestHub
let agentId: string
/** Issued while the app might do anything; what it opens follows what the app may do now. */
let token: string
const name = 'analytics'
const management = '/api/agentmanagement/v3/agents'
const mindConnect = '/api/mindconnect/v3'

beforeAll(async () => {
  hub = await startHub()
  const { client_id, client_secret } = await hub.operate('app.add', {
    ...{ name, version: '1', access: 'custom', permissions: [...permissions] },
  })
  const answer = await hub.call('POST', '/api/technicaltokenmanager/v3/oauth/token', {
    headers: { 'x-space-auth-key': `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: { appName: name, appVersion: '1', hostTenant: 'default', userTenant: 'default' },
  })
  token = answer.json.access_token
  agentId = (await hub.create('SHARED_SECRET')).id
})
afterAll(() => hub[Symbol.asyncDispose]())

const setAccess = (access: string, listed: readonly string[] = []) =>
  hub.operate('app.setAccess', { name, access, permissions: listed })

/** A call that gets to the route and no further: nothing that it would need comes along. */
async function statusOf(route: string): Promise<number> {
  const [method, path] = route.split(' ') as ['GET', string]
  const url = path.replace(':entityId', 'e').replace(':id', 'none').replace('*', 'f')
  return (await hub.call(method, url, { token })).status
}
const refusedRoutes = async (): Promise<string[]> => {
  const refused = []
  for (const route of technicalRoutes) if ((await statusOf(route)) === 403) refused.push(route)
  return refused.sort()
}

/** Whoever may do these can take the place of agents, or change what they do. */
const changesAgents = [
  `DELETE ${management}/:id`,
  'DELETE /api/hub/v1/agents/:id/commands/:command',
  `DELETE ${mindConnect}/dataPointMappings/:id`,
  `DELETE ${mindConnect}/diagnosticActivations/:id`,
  `DELETE ${mindConnect}/eventMappings/:id`,
  `GET ${management}/:id/boarding/configuration`,
  `PATCH ${mindConnect}/eventMappings/:id`,
  `POST ${management}`,
  `POST ${management}/:id/boarding/offboard`,
  'POST /api/hub/v1/agents/:id/commands',
  `POST ${mindConnect}/dataPointMappings`,
  `POST ${mindConnect}/diagnosticActivations`,
  `POST ${mindConnect}/eventMappings`,
  `PUT ${management}/:id`,
  `PUT ${management}/:id/dataSourceConfiguration`,
  `PUT ${mindConnect}/diagnosticActivations/:id`,
]
const writesTimeSeries = [
  `DELETE ${mindConnect}/recoverableRecords/:id`,
  `POST ${mindConnect}/ingest`,
  `POST ${mindConnect}/recoverableRecords/:id/replay`,
]

test('read-write opens every route but those that change agents', async () => {
  await setAccess('read-write')
  expect(await refusedRoutes()).toEqual(changesAgents)
})

test('limited writes no time series either', async () => {
  await setAccess('limited')
  expect(await refusedRoutes()).toEqual([...changesAgents, ...writesTimeSeries].sort())
})

test('an app without access is refused everywhere', async () => {
  await setAccess('custom')
  expect(await refusedRoutes()).toEqual([...technicalRoutes].sort())
})

test.each(technicalRoutes)('%s opens by its own permission, and by none of the others', async (route) => {
  const [method, path] = route.split(' ') as [string, string]
  const needed = permissionFor(method, path) as string
  await setAccess('custom', [needed])
  expect([401, 403]).not.toContain(await statusOf(route))
  await setAccess(
    'custom',
    permissions.filter((one) => one !== needed),
  )
  expect(await statusOf(route)).toBe(403)
})

test('what no permission is for stays closed, whatever the app may do', async () => {
  await setAccess('custom', permissions)
  const body = {}
  expect((await hub.call('POST', `${mindConnect}/exchange`, { token, body })).status).toBe(403)
  expect((await hub.call('POST', '/api/agentmanagement/v3/register', { token, body })).status).toBe(401)
  const rotate = `/api/agentmanagement/v3/register/${agentId}`
  expect((await hub.call('PUT', rotate, { token, body })).status).toBe(401)
})

test('an agent that an app has looked for by a permission is the one of its tenant', async () => {
  await setAccess('custom', ['agents:read'])
  expect((await hub.call('GET', `${management}/${agentId}`, { token })).json).toMatchObject({ id: agentId })
  const { json } = await hub.call('GET', `${management}/${agentId}/boarding/configuration`, { token })
  expect(json).toEqual({ id: expect.any(String), message: expect.any(String) })
})
