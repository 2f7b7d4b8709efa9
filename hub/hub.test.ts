import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { agentTopics, mqttClientId } from '../protocol/topics.ts'
import { type Json, startHub, type TestHub } from './test-hub.ts'
import { createSender, reading } from './test-sender.ts'

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
    createSender('00ff00ff00ff00ff').send(0, ...readings),
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

test('what an agent has lost and says of itself is shown, and goes with it', async () => {
  const { id, client, topics } = await connected()
  const sender = createSender(epoch)
  await client.publishAsync(topics.batch, sender.send(1, ...[1, 2].map((time) => reading('p', time))), {
    qos: 1,
  })
  const span = { since: 1e12, until: 2e12 }
  const rows = [
    { id: 1, epoch, source: 'line', first: 3, last: 5, count: 3, reason: 'quota', ...span },
    { id: 2, epoch, source: 'line', count: 7, reason: 'deadband', ...span },
  ]
  await client.publishAsync(topics.gap, JSON.stringify({ ledger: epoch, rows }), { qos: 1 })
  const outbox = { readings: 10, bytes: 2000, oldestAt: 1e12 - 5000, lost: { quota: 3 } }
  const alarms = [{ code: 'disk_full', message: 'the disk is full', raisedAt: 1e12 }]
  const flash = { bytesPerDay: 1e9, years: 8 }
  const report = { time: 1e12, release: '1.2.3', outbox, flash, sources: [], alarms }
  await client.publishAsync(topics.status, JSON.stringify(report), { qos: 1 })

  const path = `/api/hub/v1/agents/${id}`
  const first = await hub.call('GET', `${path}/gaps?limit=1`, { token: hub.service })
  const deadband = { source: 'line', epoch, count: 7, reason: 'deadband' }
  const iso = { since: '2001-09-09T01:46:40.000Z', until: '2033-05-18T03:33:20.000Z' }
  const balance = { source: 'line', produced: 12, received: 2, lost: { quota: 3, deadband: 7 }, missing: 0 }
  expect(first.json).toEqual({
    gaps: [{ ...deadband, ...iso }],
    balance: [balance],
    next: expect.any(String),
  })
  expect(await hub.operate('data.gaps', { agent: id, after: first.json.next })).toEqual({
    gaps: [{ source: 'line', epoch, first: 3, last: 5, count: 3, reason: 'quota', ...iso }],
  })
  await expect(hub.operate('data.gaps', { agent: id, after: 'x' })).rejects.toMatchObject({ code: 'invalid' })

  const status = {
    online: true,
    lost: { quota: 3, deadband: 7 },
    missing: 0,
    report: {
      release: '1.2.3',
      outbox: { readings: 10, bytes: 2000, oldestAgeMs: 5000 },
      flash,
      alarms: [{ code: 'disk_full', raisedAt: '2001-09-09T01:46:40.000Z' }],
    },
  }
  expect((await hub.call('GET', `${path}/status`, { token: hub.service })).json).toMatchObject(status)
  expect(await hub.operate('agent.show', { id })).toMatchObject(status)
  expect(await metrics()).toMatch(/edgeward_hub_lost_readings_total\{reason="quota"\} 3/)

  await hub.operate('agent.remove', { id })
  expect((await hub.call('GET', `${path}/gaps`, { token: hub.service })).status).toBe(404)
})

test('time series over MQTT stand beside the readings, as those of an exchange do', async () => {
  const { id, client, topics } = await connected()
  await hub.operate('agent.configure', {
    id,
    configuration: {
      configurationId: 'c',
      dataSources: [{ name: 's', dataPoints: [{ id: 'DP1', name: 'n', type: 'DOUBLE', unit: 'u' }] }],
    },
  })
  const timestamp = '2026-11-21T10:00:00.000Z'
  const send = (value: string) => {
    const timeseries = [{ timestamp, values: [{ dataPointId: 'DP1', value, qualityCode: '0' }] }]
    return client.publishAsync(topics.timeSeries, JSON.stringify({ timeseries }), { qos: 1 })
  }
  for (const value of ['1', '2.5', 'high']) await send(value)
  expect((await hub.operate('data.query', { agent: id })).readings).toEqual([
    { pointId: 'DP1', time: timestamp, value: 2.5, quality: 0 },
  ])
  expect(await hub.operate('agent.show', { id })).toMatchObject({ recoverableRecords: 1 })
})

const epoch = '00ff00ff00ff00ff'

async function connected() {
  const { id, boarding } = await hub.create('SHARED_SECRET')
  const { json: registration } = await hub.register(boarding)
  const client = await mqtt.connectAsync(boarding.content.mqtt as string, {
    clientId: mqttClientId('default', id),
    username: id,
    password: (await hub.token(registration)).json.access_token,
    reconnectPeriod: 0,
  })
  onTestFinished(() => client.endAsync(true))
  return { id, client, topics: agentTopics('default', id) }
}

const metrics = async (): Promise<string> => (await hub.bytes('/metrics', '')).toString()
