import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { expect, onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { agentTopics, mqttClientId } from '../../protocol/topics.ts'
import { openReadingStore, type ReadingStore } from '../store/index.ts'
import { createSender } from '../test-sender.ts'
import { type Ingest, openIngest } from './index.ts'

export const log = pino({ level: 'silent' })
export const tenant = 'plant'
export const epoch = '00000000000000aa'
export const topics = agentTopics(tenant, 'one')

interface Started {
  ingest: Ingest
  store: ReadingStore
}

/** Tokens are "<agentId>" and end in an hour. */
export async function start({
  clock = systemClock,
  wrap = (store) => store,
  takeTimeSeries = async () => {},
}: {
  clock?: Clock
  takeTimeSeries?: (agentId: string, payload: Buffer) => Promise<void>
  wrap?: (store: ReadingStore) => ReadingStore
} = {}): Promise<Started> {
  const dir = await mkdtemp(join(tmpdir(), 'ingest-'))
  const store = await openReadingStore({ clock: systemClock, log }, { dir })
  const expiresAt = clock.now() + 3_600_000
  const ingest = await openIngest(
    {
      store: wrap(store),
      verify: async (token) => (token === 'forged' ? undefined : { tenant, agentId: token, expiresAt }),
      takeTimeSeries,
      takeCommandUpdate: async () => {},
      listens() {},
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

export async function connect(
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

export const batch = (seq: number): Buffer =>
  createSender(epoch).send(seq, { point: 'p', value: seq, quality: 0, time: seq })

interface Message {
  topic: string
  message: unknown
}

/** What the hub sends, as it comes. */
export async function listen(client: MqttClient): Promise<{ next(): Promise<Message> }> {
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

export const closing = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => client.once('close', () => resolve()))

/** Resolves when the connection was closed without a PUBACK. */
export async function refused(client: MqttClient, topic: string): Promise<void> {
  let acknowledged = false
  const closed = closing(client)
  client.publish(topic, batch(1), { qos: 1 }, (error) => {
    acknowledged = !error
  })
  await closed
  expect(acknowledged).toBe(false)
}
