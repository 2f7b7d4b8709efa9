import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openCerts } from '../certs/index.ts'
import { systemClock } from '../core/clock.ts'
import { AddressInUse } from '../core/http-server.ts'
import { systemRandom } from '../core/random.ts'
import { type BrokerConfig, type BrokerDeps, openBroker } from './index.ts'

const free = {
  ...{ publish: [], subscribe: [], writesTimeSeries: true },
  quota: { messages: null, bytes: null },
}

/** A broker for the apps `press` and `saw`, whose secrets are `press-secret` and `saw-secret`. */
async function started(deps: Partial<BrokerDeps> = {}, config: Partial<BrokerConfig> = {}) {
  const broker = await openBroker(
    {
      authenticate: async (name, secret) => secret === `${name}-secret`,
      offer: () => undefined,
      isMeasurement: () => false,
      rightsOf: () => free,
      overQuota: () => {},
      clock: systemClock,
      log: pino({ level: 'silent' }),
      random: systemRandom,
      ...deps,
    },
    { listen: '127.0.0.1:0', tls: { cert: '', key: '' }, ...config },
  )
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const connect = async (username: string, options: IClientOptions = {}): Promise<MqttClient> => {
    const password = `${username}-secret`
    const client = await connectAsync(
      broker.addresses.mqtt,
      { username, password, reconnectPeriod: 0, ...options },
      false,
    )
    client.on('error', () => {})
    onTestFinished(() => void client.end(true))
    return client
  }
  return { broker, connect }
}

/** What a client receives from now on, as `topic=payload`. */
function inbox(client: MqttClient): string[] {
  const received: string[] = []
  client.on('message', (topic, payload) => received.push(`${topic}=${payload}`))
  return received
}

const closed = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    if (client.connected) client.once('close', () => resolve())
    else resolve()
  })

/** A connection that says nothing by itself, and how it ends. */
async function stranger(address: string) {
  const socket = connectTcp({ host: '127.0.0.1', port: Number(new URL(address).port) })
  socket.on('error', () => {}) // a reset is an end as well
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await once(socket, 'connect')
  socket.resume()
  return { socket, ended }
}

test('an app needs its own name and secret', async () => {
  const { connect } = await started()
  expect((await connect('press')).connected).toBe(true)
  await expect(connect('press', { password: 'guess' })).rejects.toMatchObject({ code: 4 })
  await expect(connect('press', { password: '' })).rejects.toMatchObject({ code: 4 })
  await expect(connect('a/b')).rejects.toMatchObject({ code: 4 })
})

test('a stranger without a name is refused', async () => {
  const { broker } = await started({ authenticate: () => true })
  await expect(connectAsync(broker.addresses.mqtt, { reconnectPeriod: 0 }, false)).rejects.toMatchObject({
    code: 4,
  })
})

test('when secrets cannot be checked the app is told to come back', async () => {
  const { connect } = await started({ authenticate: () => Promise.reject(new Error('thread died')) })
  await expect(connect('press')).rejects.toMatchObject({ code: 3 })
})

test('an app publishes and subscribes below its own prefix', async () => {
  const { connect } = await started()
  const listener = await connect('press')
  const received = inbox(listener)
  await listener.subscribeAsync('apps/press/#', { qos: 1 })
  const sender = await connect('press')
  await sender.publishAsync('apps/press/temp', '21.5', { qos: 1, retain: true })
  await vi.waitFor(() => expect(received).toEqual(['apps/press/temp=21.5']))

  const late = await connect('press')
  const retained = inbox(late)
  await late.subscribeAsync('apps/press/+')
  await vi.waitFor(() => expect(retained).toEqual(['apps/press/temp=21.5']))
})

test.each(['apps/saw/temp', 'apps/pressure/x', 'apps/press', '$SYS/x', 'temp'])(
  'publishing on %s closes the connection and reaches nobody',
  async (topic) => {
    const offered: string[] = []
    const { connect } = await started({ offer: (bound) => void offered.push(bound) })
    const saw = await connect('saw')
    const received = inbox(saw)
    await saw.subscribeAsync('apps/saw/#')
    const press = await connect('press')
    press.publish(topic, '1', { qos: 1 })
    await closed(press)
    await saw.publishAsync('apps/saw/end', '', { qos: 1 })
    await vi.waitFor(() => expect(received).toEqual(['apps/saw/end=']))
    expect(offered).toEqual(['apps/saw/end'])
  },
)

test('a last will on a foreign topic reaches nobody', async () => {
  const { connect, broker } = await started()
  const saw = await connect('saw')
  const received = inbox(saw)
  await saw.subscribeAsync('apps/saw/#')
  const will = { topic: 'apps/saw/will', payload: Buffer.from('x'), qos: 1, retain: false } as const
  const press = await connect('press', { will })
  broker.disconnect('press')
  await closed(press)
  await saw.publishAsync('apps/saw/end', '', { qos: 1 })
  await vi.waitFor(() => expect(received).toEqual(['apps/saw/end=']))
})

test('subscriptions that leave the prefix are refused one by one', async () => {
  const { connect } = await started()
  const press = await connect('press')
  const filters = [
    '#',
    '+/press/#',
    'apps/+/x',
    'apps/saw/x',
    'apps/press',
    '$SYS/#',
    '$share/g/apps/press/x',
  ]
  for (const filter of filters)
    await expect(press.subscribeAsync(filter), filter).rejects.toThrow('Unspecified error')
  expect(press.connected).toBe(true)
  expect(await press.subscribeAsync('apps/press/x')).toMatchObject([{ qos: 0 }])
})

test('a client id belongs to its app: the same one of another app disturbs nobody', async () => {
  const { connect } = await started()
  const press = await connect('press', { clientId: 'line-1' })
  const saw = await connect('saw', { clientId: 'line-1' })
  await expect(connect('saw', { clientId: 'press/line-1' })).resolves.toBeDefined()
  await expect(connect('press', { clientId: 'line-1', password: 'guess' })).rejects.toThrow()
  await press.publishAsync('apps/press/x', '', { qos: 1 })
  await saw.publishAsync('apps/saw/x', '', { qos: 1 })

  await connect('press', { clientId: 'line-1' })
  await closed(press)
  expect(press.connected).toBe(false)
  expect(saw.connected).toBe(true)
})

test('a measurement is acknowledged only once it is on disk', async () => {
  const disk = Promise.withResolvers<void>()
  const offered: string[] = []
  const { connect } = await started({
    offer(topic, payload) {
      offered.push(`${topic}=${payload}`)
      return disk.promise
    },
  })
  const press = await connect('press')
  let acknowledged = false
  const publishing = press.publishAsync('apps/press/temp', '21.5', { qos: 1 }).then(() => {
    acknowledged = true
  })
  await vi.waitFor(() => expect(offered).toEqual(['apps/press/temp=21.5']))
  await press.subscribeAsync('apps/press/other') // a round trip: an acknowledgement would be here by now
  expect(acknowledged).toBe(false)
  disk.resolve()
  await publishing
})

test('a measurement that cannot be stored closes the connection without an acknowledgement', async () => {
  const { connect } = await started({ offer: () => Promise.reject(new Error('disk full')) })
  const press = await connect('press')
  let acknowledged = false
  press.publish('apps/press/temp', '21.5', { qos: 1 }, (error) => {
    acknowledged = !error
  })
  await closed(press)
  expect(acknowledged).toBe(false)
})

/** What takes a moment here may take longer on a busy machine. */
const patient = { timeout: 15_000 }

/** A disk that takes nothing before it is released, and then everything at once. */
function stalledDisk() {
  const offered: number[] = []
  const released = Promise.withResolvers<void>()
  const offer = (topic: string, payload: Buffer) => {
    if (!topic.endsWith('/bound')) return undefined
    offered.push(payload.readUInt32BE(0))
    return released.promise
  }
  return { offered, offer, release: released.resolve }
}

const numbered = (n: number, bytes: number): Buffer => {
  const payload = Buffer.alloc(bytes)
  payload.writeUInt32BE(n)
  return payload
}

const waitsToSend = (client: MqttClient): boolean =>
  (client.stream as unknown as { writableLength: number }).writableLength > 0

test('an app that is faster than the disk waits in TCP: it is not closed, its memory here is small', async () => {
  const { offered, offer, release } = stalledDisk()
  const { connect } = await started({ offer })
  const press = await connect('press')
  const saw = await connect('saw')
  const count = 10_000
  const acknowledged: Promise<unknown>[] = []
  for (let n = 0; n < count; n++) {
    acknowledged.push(press.publishAsync('apps/press/bound', numbered(n, 2_000), { qos: 1 }))
    // so that the first come one by one
    for (let turn = 0; n < 200 && turn < 4; turn++) await saw.publishAsync('apps/saw/x', '', { qos: 1 })
  }

  // other connections, of the same app too, do not wait for the disk
  for (const name of ['saw', 'press']) {
    const other = await connect(name)
    const received = inbox(other)
    await other.subscribeAsync(`apps/${name}/other`)
    for (let n = 1; n <= 50; n++) {
      await other.publishAsync(`apps/${name}/other`, `${n}`, { qos: 1 })
      await vi.waitFor(() => expect(received.at(-1)).toBe(`apps/${name}/other=${n}`), {
        ...patient,
        interval: 1,
      })
    }
  }
  expect(waitsToSend(press)).toBe(true)
  expect(offered.length * 2_000).toBeLessThan(200_000)
  expect(press.connected).toBe(true)

  release()
  await Promise.all(acknowledged)
  expect(offered).toEqual(Array.from({ length: count }, (_, n) => n))
})

test('an app that spreads over connections has no more of the memory', async () => {
  const { offered, offer, release } = stalledDisk()
  const { connect } = await started({ offer })
  const senders = await Promise.all(Array.from({ length: 40 }, () => connect('press')))
  const acknowledged: Promise<unknown>[] = []
  for (let n = 0; n < 150; n++) {
    for (const sender of senders)
      acknowledged.push(sender.publishAsync('apps/press/bound', numbered(n, 2_000), { qos: 1 }))
    await setTimeout(2)
  }
  await vi.waitFor(() => expect(offered.length * 2_000).toBeGreaterThan(900_000), patient)
  const saw = await connect('saw')
  for (let n = 0; n < 50; n++) await saw.publishAsync('apps/saw/other', '', { qos: 1 })
  expect(offered.length * 2_000).toBeLessThan(40 * 65 * 1024)
  release()
  await Promise.all(acknowledged)
  expect(offered).toHaveLength(40 * 150)
  expect(senders.every(({ connected }) => connected)).toBe(true)
})

test('what an app sent before it left is taken, also when it had to wait for the disk', async () => {
  const { offered, offer, release } = stalledDisk()
  const { connect } = await started({ offer })
  const press = await connect('press')
  const count = 500
  for (let n = 0; n < count; n++) press.publish('apps/press/bound', numbered(n, 2_000))
  const left = press.endAsync()
  await vi.waitFor(() => expect(offered.length).toBeGreaterThan(10), patient)
  expect(offered.length).toBeLessThan(count)
  release()
  await left
  await vi.waitFor(() => expect(offered).toHaveLength(count), patient)
})

test('a measurement sent with QoS 0 by an app that leaves at once is stored too', async () => {
  const offered: string[] = []
  const { connect } = await started({
    async offer(topic) {
      offered.push(topic)
    },
  })
  const press = await connect('press')
  press.publish('apps/press/temp', '21.5')
  await press.endAsync()
  await vi.waitFor(() => expect(offered).toEqual(['apps/press/temp']))
})

test('an app that is shut out loses its connections, also one whose secret is being checked', async () => {
  const checking = Promise.withResolvers<boolean>()
  let checks = 0
  const { broker, connect } = await started({
    authenticate: (name) => (name === 'press' && ++checks === 2 ? checking.promise : true),
  })
  const press = await connect('press')
  const saw = await connect('saw')
  const late = connect('press').catch((error: Error) => error)
  await vi.waitFor(() => expect(checks).toBe(2))
  broker.disconnect('press')
  checking.resolve(true)
  await closed(press)
  expect(await late).toBeInstanceOf(Error)
  await saw.publishAsync('apps/saw/x', '', { qos: 1 })
})

test('an app cannot fill the memory with retained messages', async () => {
  const { connect } = await started()
  const press = await connect('press')
  const payload = Buffer.alloc(200 * 1024)
  for (let topic = 0; topic < 5; topic++)
    await press.publishAsync(`apps/press/${topic}`, payload, { qos: 1, retain: true })
  await press.publishAsync('apps/press/0', '', { qos: 1, retain: true }) // makes room
  await press.publishAsync('apps/press/5', payload, { qos: 1, retain: true })
  press.publish('apps/press/6', payload, { qos: 1, retain: true })
  await closed(press)
  expect(press.connected).toBe(false)
})

test('a retained message that was not taken away still counts', async () => {
  let quota: (typeof free)['quota'] | { messages: null; bytes: number } = free.quota
  const { connect } = await started({ rightsOf: () => ({ ...free, quota }) })
  const press = await connect('press')
  const payload = Buffer.alloc(200 * 1024)
  for (let topic = 0; topic < 5; topic++)
    await press.publishAsync(`apps/press/${topic}`, payload, { qos: 1, retain: true })
  quota = { messages: null, bytes: 1 }
  press.publish('apps/press/0', '', { qos: 1, retain: true }) // refused: it stays
  await closed(press)
  quota = free.quota
  const again = await connect('press')
  again.publish('apps/press/5', payload, { qos: 1, retain: true })
  await closed(again)
  expect(again.connected).toBe(false)
})

test('a packet that announces too much ends the connection, also of a stranger', async () => {
  const { broker, connect } = await started()
  const press = await connect('press')
  await press.publishAsync('apps/press/x', Buffer.alloc(255 * 1024), { qos: 1 })
  press.publish('apps/press/x', Buffer.alloc(257 * 1024), { qos: 1 })
  await closed(press)

  const { socket, ended } = await stranger(broker.addresses.mqtt)
  socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]))
  await ended
})

test('a subscriber that stops reading does not hold up another app', async () => {
  const { connect } = await started()
  const frozen = await connect('press')
  await frozen.subscribeAsync('apps/press/#', { qos: 0 })
  ;(frozen.stream as unknown as { pause(): void }).pause()
  const saw = await connect('saw')
  const received = inbox(saw)
  await saw.subscribeAsync('apps/saw/#')

  // More than the kernel's buffers take, in small messages: hundreds of them wait at the broker.
  const senders = await Promise.all(Array.from({ length: 4 }, () => connect('press')))
  for (let n = 0; n < 6_000; n++)
    for (const sender of senders) sender.publish('apps/press/flood', Buffer.alloc(1_000))
  for (let n = 0; n < 100; n++) {
    await saw.publishAsync('apps/saw/x', `${n}`, { qos: 1 })
    await vi.waitFor(() => expect(received.at(-1)).toBe(`apps/saw/x=${n}`), { interval: 1 })
  }
})

test('over TLS the box shows the certificate it was given, and a refusal arrives', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-broker-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const log = pino({ level: 'silent' })
  const certs = await openCerts(
    { clock: systemClock, random: systemRandom, log },
    { dir, names: [], deviceName: 'box' },
  )
  const { broker } = await started({}, { tlsListen: '127.0.0.1:0', tls: certs.server })
  const options = { ca: certs.ca, username: 'press', password: 'press-secret', reconnectPeriod: 0 }
  const address = broker.addresses.mqtts ?? ''
  expect(address).toMatch(/^mqtts:/)
  const press = await connectAsync(address, options, false)
  await press.publishAsync('apps/press/x', '', { qos: 1 })
  await press.endAsync()
  await expect(connectAsync(address, { ...options, password: 'guess' }, false)).rejects.toMatchObject({
    code: 4,
  })
})

test('a taken address is said with its setting', async () => {
  const { broker } = await started()
  const listen = new URL(broker.addresses.mqtt).host
  const second = started({}, { listen })
  await expect(second).rejects.toThrow(AddressInUse)
  await expect(second).rejects.toThrow('broker.listen')
  await expect(started({}, { tlsListen: listen })).rejects.toThrow('broker.tls_listen')
})

test('disposing ends every connection, also one that never said who it is', async () => {
  const { broker, connect } = await started()
  const press = await connect('press')
  const silent = await stranger(broker.addresses.mqtt)
  const ended = Promise.all([closed(press), silent.ended])
  await broker[Symbol.asyncDispose]()
  await ended
})

test('topics that were granted are open, measurements are closed to who may not write them', async () => {
  const rights = {
    ...free,
    ...{ publish: ['plant/line/+'], subscribe: ['apps/saw/#'], writesTimeSeries: false },
  }
  const { connect } = await started({
    rightsOf: (app) => (app === 'press' ? rights : free),
    isMeasurement: (topic) => topic.endsWith('/m'),
  })
  const [press, saw] = [await connect('press'), await connect('saw')]
  const received = inbox(press)
  await press.subscribeAsync('apps/saw/#')
  await saw.publishAsync('apps/saw/x', '1', { qos: 1 })
  await press.publishAsync('plant/line/4', '2', { qos: 1 })
  await vi.waitFor(() => expect(received).toEqual(['apps/saw/x=1']))
  await press.publishAsync('apps/press/no-measurement', '3', { qos: 1 })
  press.publish('apps/press/m', '4', { qos: 1 })
  await closed(press)
})

test('over its quota an app is slowed down, it is counted, and told once', async () => {
  const told: object[] = []
  const quota = { messages: 20, bytes: null }
  const { broker, connect } = await started({
    rightsOf: () => ({ ...free, quota }),
    overQuota: (app, since) => void told.push({ app, ...since }),
    clock: { ...systemClock, monotonic: () => 0 },
  })
  const press = await connect('press')
  await Promise.all(Array.from({ length: 30 }, () => press.publishAsync('apps/press/x', '1', { qos: 1 })))
  expect(told).toEqual([{ app: 'press', slowed: 1, refused: 0 }])
  expect(broker.seen('press')).toMatchObject({ connections: 1, published: 30, overQuota: expect.any(Number) })
  expect(broker.seen('press')?.overQuota).toBeGreaterThan(1)
  expect(broker.seen('nobody')).toBeUndefined()
})

test('who has lost all rights publishes nothing more on the connection that he has', async () => {
  let rights: typeof free | undefined = free
  const { broker, connect } = await started({ rightsOf: () => rights })
  const press = await connect('press')
  await press.publishAsync('apps/press/x', '1', { qos: 1 })
  rights = undefined
  press.publish('apps/press/x', '2', { qos: 1 })
  await closed(press)
  expect(broker.seen('press')).toMatchObject({ published: 1, denied: 1 })
})
