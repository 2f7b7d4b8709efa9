import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeBatch } from '../protocol/batch.ts'
import { agentTopics, mqttClientId } from '../protocol/topics.ts'
import { type Json, startHub, type TestHub } from './test-hub.ts'

let hub: TestHub

beforeAll(async () => {
  hub = await startHub()
})

afterAll(() => hub[Symbol.asyncDispose]())

test('the hub need not listen for operations, but hands out no address that it does not know', async () => {
  const own = await mkdtemp(join(hub.dir, 'stopped-'))
  await using stopped = await hub.open(own)
  await expect(hub.operate('init', {}, stopped)).rejects.toMatchObject({
    code: 'no_public_address',
    cure: 'Start the hub, or set hub.public_url.',
  })
  expect(await hub.operate('tenant.list', {}, stopped)).toEqual([])
  const creation = hub.operate('agent.create', { name: 'a', profile: 'RSA_3072' }, stopped)
  await expect(creation).rejects.toMatchObject({ code: 'invalid', cure: 'Run "edgeward hub init".' })
})

test('operations name an agent by id or by a name that is not ambiguous', async () => {
  const { id, boarding } = await hub.create('SHARED_SECRET', { name: 'twin' })
  expect(await hub.operate('agent.show', { id: 'twin' })).toMatchObject({
    id,
    boardingStatus: 'ONBOARDING',
    credential: null,
    online: false,
    lastSeenAt: null,
  })
  expect(await hub.operate('agent.boarding', { id: 'twin' })).toEqual({ id, name: 'twin', boarding })
  expect(await hub.operate('data.query', { agent: 'twin', since: '2026-01-01T00:00:00Z' })).toEqual({
    readings: [],
  })
  await hub.operate('tenant.add', { name: 'twins' })
  await hub.create('SHARED_SECRET', { name: 'twin', tenant: 'twins' })
  await expect(hub.operate('agent.remove', { id: 'twin' })).rejects.toMatchObject({ code: 'invalid' })
  expect(await hub.operate('agent.remove', { id })).toEqual({ id, name: 'twin' })
  expect(await hub.operate('agent.list', { tenant: 'twins' })).toMatchObject([{ name: 'twin' }])
  await expect(hub.operate('agent.show', { id })).rejects.toMatchObject({ code: 'not_found' })
})

test('what exists is not made again, and a choice between tenants is asked for', async () => {
  await expect(hub.operate('init', {})).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('tenant credential'),
  })
  await hub.operate('tenant.add', { name: 'second' })
  const ambiguous = hub.operate('agent.create', { name: 'n', profile: 'SHARED_SECRET' })
  await expect(ambiguous).rejects.toMatchObject({ code: 'invalid', cure: 'Name one of them.' })
})

test('every reading that an agent sends over MQTT can be asked for', async () => {
  const { id, boarding } = await hub.create('SHARED_SECRET')
  const { json: registration } = await hub.register(boarding)
  const { access_token } = (await hub.token(registration)).json
  const client = await mqtt.connectAsync(boarding.content.mqtt as string, {
    clientId: mqttClientId('default', id),
    username: id,
    password: access_token,
    reconnectPeriod: 0,
  })
  const time = Date.parse('2026-11-21T10:00:00Z')
  const readings = [1, 2].map((value) => ({ point: 'DP1', value, quality: 0, time: time + value }))
  await client.publishAsync(
    agentTopics('default', id).batch,
    encodeBatch({ epoch: '00ff00ff00ff00ff', seq: 0, readings }),
    { qos: 1 },
  )
  const first = await hub.call('GET', `/api/hub/v1/agents/${id}/readings?limit=1`, { token: hub.service })
  expect(first.json.readings).toEqual([
    { pointId: 'DP1', time: '2026-11-21T10:00:00.001Z', value: 1, quality: 0 },
  ])
  const rest = await hub.operate('data.query', { agent: id, point: 'DP1', after: first.json.next })
  expect(rest.readings.map(({ value }: Json) => value)).toEqual([2])
  expect(await hub.operate('agent.show', { id })).toMatchObject({ online: true, credential: { used: true } })

  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  await hub.operate('agent.offboard', { id })
  await closed
})
