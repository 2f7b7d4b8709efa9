import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { encodeBatch } from '../../protocol/batch.ts'
import { agentTopics, mqttClientId } from '../../protocol/topics.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { openReadingStore, type ReadingStore } from '../store/index.ts'
import { type Ingest, openIngest } from './index.ts'

const log = pino({ level: 'silent' })
const tenant = 'plant'
const epoch = '00000000000000aa'
const topics = agentTopics(tenant, 'one')

interface Started {
  ingest: Ingest
  store: ReadingStore
}

/** Tokens are "<agentId>" and end in an hour. */
async function start({
  clock = systemClock,
  wrap = (store) => store,
}: {
  clock?: Clock
  wrap?: (store: ReadingStore) => ReadingStore
} = {}): Promise<Started> {
  const dir = await mkdtemp(join(tmpdir(), 'ingest-'))
  const store = await openReadingStore({ log }, { dir })
  const expiresAt = clock.now() + 3_600_000
  const ingest = await openIngest(
    {
      store: wrap(store),
      verify: async (token) => (token === 'forged' ? undefined : { tenant, agentId: token, expiresAt }),
      clock,
      random: systemRandom,
      log,
    },
    { listen: '127.0.0.1:0' },
  )
  onTestFinished(async () => {
    await ingest[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    await rm(dir, { recursive: true })
  })
  return { ingest, store }
}

async function connect(
  { ingest }: Started,
  agentId = 'one',
  options: IClientOptions = {},
): Promise<MqttClient> {
  const client = await connectAsync(
    ingest.address,
    {
      clientId: mqttClientId(tenant, agentId),
      username: agentId,
      password: agentId,
      reconnectPeriod: 0,
      ...options,
    },
    false,
  )
  client.on('error', () => {})
  onTestFinished(() => client.endAsync(true))
  return client
}

const batch = (seq: number): Buffer =>
  encodeBatch({ epoch, seq, readings: [{ point: 'p', value: seq, quality: 0, time: seq }] })

interface Message {
  topic: string
  message: unknown
}

/** What the hub sends, as it comes. */
async function listen(client: MqttClient): Promise<{ next(): Promise<Message> }> {
  const messages = new ReadableStream<Message>({
    start(controller) {
      client.on('message', (topic, payload) =>
        controller.enqueue({ topic, message: JSON.parse(payload.toString()) }),
      )
    },
  }).getReader()
  await client.subscribeAsync(topics.inbound, { qos: 1 })
  return { next: async () => (await messages.read()).value as Message }
}

/** Resolves when the connection was closed without a PUBACK. */
async function refused(client: MqttClient, topic: string): Promise<void> {
  let acknowledged = false
  const closed = closing(client)
  client.publish(topic, batch(1), { qos: 1 }, (error) => {
    acknowledged = !error
  })
  await closed
  expect(acknowledged).toBe(false)
}

const closing = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => client.once('close', () => resolve()))

test('a batch is committed before its PUBACK, then acknowledged by name', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  await client.publishAsync(topics.batch, batch(1), { qos: 1 })
  expect((await hub.store.query({ agentId: 'one', limit: 10 })).readings).toHaveLength(1)
  expect(await inbox.next()).toEqual({
    topic: topics.ack,
    message: { epoch, ranges: [[1, 1]], time: expect.any(Number) },
  })
})

test('batches that were sent together are all acknowledged, and what comes again once more', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  for (const seq of [1, 2, 3, 5, 2]) client.publish(topics.batch, batch(seq), { qos: 1 })
  const acknowledged = new Set<number>()
  while (acknowledged.size < 4) {
    const { ranges } = (await inbox.next()).message as { ranges: [number, number][] }
    for (const [from, to] of ranges) for (let seq = from; seq <= to; seq++) acknowledged.add(seq)
  }
  expect([...acknowledged].sort()).toEqual([1, 2, 3, 5])

  await client.publishAsync(topics.batch, batch(5), { qos: 1 })
  expect((await inbox.next()).message).toMatchObject({ ranges: [[5, 5]] })
  expect((await hub.store.query({ agentId: 'one', limit: 10 })).readings).toHaveLength(4)
})

test('a batch that the store cannot commit is not acknowledged, and the connection ends', async () => {
  const hub = await start({
    wrap: (store) => ({ ...store, commit: () => Promise.reject(new Error('disk full')) }),
  })
  const client = await connect(hub)
  await refused(client, topics.batch)
})

test('a message that is no batch is dropped without harm to what follows', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  await client.publishAsync(topics.batch, 'garbage', { qos: 1 })
  await client.publishAsync(topics.batch, batch(1), { qos: 1 })
  expect((await inbox.next()).message).toMatchObject({ ranges: [[1, 1]] })
})

test('an agent comes in with its own token, name and client id only', async () => {
  const hub = await start()
  const attempts: IClientOptions[] = [
    { password: 'forged' },
    { password: '' },
    { password: 'two' },
    { username: 'two' },
    { clientId: mqttClientId(tenant, 'two') },
    { clientId: mqttClientId('other', 'one') },
  ]
  for (const attempt of attempts)
    await expect(connect(hub, 'one', attempt), JSON.stringify(attempt)).rejects.toMatchObject({ code: 5 })
  expect(hub.ingest.isOnline('one')).toBe(false)
  await connect(hub)
  expect(hub.ingest.isOnline('one')).toBe(true)
})

test('publishing to anything but the own batch topic closes the connection', async () => {
  const hub = await start()
  const strange = [
    topics.configuration,
    topics.batch.replace('/b', '/gap'),
    agentTopics(tenant, 'two').batch,
    'anything',
  ]
  for (const topic of strange) await refused(await connect(hub), topic)
  for (const agentId of ['one', 'two'])
    expect((await hub.store.query({ agentId, limit: 1 })).readings).toEqual([])
})

test('subscribing to anything but the own inbound topics is refused', async () => {
  const client = await connect(await start())
  const strange = [
    '#',
    '+/plant/#',
    topics.outbound,
    agentTopics(tenant, 'two').inbound,
    `$share/g/${topics.inbound}`,
    '$SYS/#',
  ]
  for (const filter of strange)
    await expect(client.subscribeAsync(filter, { qos: 1 }), filter).rejects.toThrow()
  await expect(client.subscribeAsync(topics.ack, { qos: 1 })).resolves.toMatchObject([{ qos: 1 }])
})

test('a will and a session that outlives the connection are not kept', async () => {
  const hub = await start()
  const will = { topic: topics.batch, payload: batch(9), qos: 1 as const, retain: false }
  const first = await connect(hub, 'one', { clean: false, will })
  await first.subscribeAsync(topics.inbound, { qos: 1 })
  first.stream.destroy() // without a DISCONNECT packet
  await closing(first)

  const second = await connect(hub, 'one', { clean: false })
  expect(second).toMatchObject({ connackPacket: { sessionPresent: false } })
  await second.publishAsync(topics.batch, batch(1), { qos: 1 })
  const { readings } = await hub.store.query({ agentId: 'one', limit: 10 })
  expect(readings.map(({ value }) => value)).toEqual([1])
})

test('the connection ends with its access token', async () => {
  const clock = manualClock()
  const hub = await start({ clock })
  const client = await connect(hub)
  const closed = closing(client)
  await clock.advance(3_599_000)
  expect(hub.ingest.isOnline('one')).toBe(true)
  await clock.advance(1_000)
  await closed
  await expect(connect(hub)).rejects.toMatchObject({ code: 5 })
})

test('an agent that is disconnected is offline at once; another stays', async () => {
  const hub = await start()
  const one = await connect(hub, 'one')
  await connect(hub, 'two')
  const closed = closing(one)
  hub.ingest.disconnect('other', 'one')
  expect(hub.ingest.isOnline('one')).toBe(true)
  hub.ingest.disconnect(tenant, 'one')
  await closed
  expect(hub.ingest.isOnline('one')).toBe(false)
  expect(hub.ingest.isOnline('two')).toBe(true)
  expect(hub.ingest.lastSeenAt('one')).toBeTypeOf('number')
})

test('a second connection of an agent ends the first and is the one that counts', async () => {
  const hub = await start()
  const first = await connect(hub)
  const closed = closing(first)
  const second = await connect(hub)
  await closed
  const inbox = await listen(second)
  expect(hub.ingest.isOnline('one')).toBe(true)
  hub.ingest.announceConfiguration(tenant, 'one', '3')
  expect(await inbox.next()).toEqual({ topic: topics.configuration, message: { id: 'one', eTag: '3' } })
})

test('a taken address is named with its setting', async () => {
  const { ingest, store } = await start()
  const listen = ingest.address.replace('mqtt://', '')
  const deps = { store, verify: async () => undefined, clock: systemClock, random: systemRandom, log }
  await expect(openIngest(deps, { listen })).rejects.toMatchObject({
    code: 'address_in_use',
    message: expect.stringContaining('hub.mqtt'),
  })
})
