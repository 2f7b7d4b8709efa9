import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { agentTopics } from '../../protocol/topics.ts'
import { describeWith, findProgram } from '../../test/peers.ts'
import { createUplink, type UplinkConfig } from './index.ts'
import { mqttTap } from './test-mqtt-tap.ts'
import { memoryOutbox } from './test-outbox.ts'
import { startReceiver } from './test-receiver.ts'

const log = pino({ level: 'silent' })
const topics = agentTopics('plant', 'one')
const network = openNetwork()

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(5)
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return isThere
}

async function mosquitto(settings: readonly string[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'mosquitto-'))
  const port = await freePort()
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false', ...settings]
  await writeFile(join(dir, 'mosquitto.conf'), `${lines.join('\n')}\n`)
  const child: ChildProcess = spawn(findProgram('mosquitto') as string, ['-c', join(dir, 'mosquitto.conf')], {
    stdio: 'ignore',
  })
  onTestFinished(async () => {
    child.kill()
    await once(child, 'exit')
    await rm(dir, { recursive: true })
  })
  while (!(await accepts(port))) await systemClock.sleep(20)
  return `mqtt://127.0.0.1:${port}`
}

async function start(settings: readonly string[], config: Partial<UplinkConfig> = {}) {
  const broker = await mosquitto(settings)
  const receiver = await startReceiver(broker, topics)
  const tap = await mqttTap(broker)
  const outbox = memoryOutbox(systemClock)
  const identity = {
    onboarded: async () => ({ tenant: 'plant', agentId: 'one', baseUrl: 'http://127.0.0.1', mqtt: tap.url }),
    onChange() {},
    accessToken: async () => ({ token: 't', renewAt: 1e12, expiresAt: 1e12 }),
    forget() {},
  }
  const uplink = createUplink(
    {
      ...{ ...network, identity, outbox, log, clock: systemClock, random: systemRandom },
      onConfiguration() {},
      configurationId: () => undefined,
      onTime() {},
      report: async () => ({
        ...{ time: 1, release: 'r', sources: [], alarms: [] },
        outbox: { readings: 0, bytes: 0, lost: {} },
      }),
    },
    {
      ...{ format: 'columnar', trustPuback: false, window: 32, ackTimeoutMs: 10_000 },
      ...{ minIntervalMs: 20, maxIntervalMs: 50, maxBytes: 100_000, retry: { initialMs: 1, maxMs: 20 } },
      ...config,
    },
  )
  const stopping = new AbortController()
  const running = uplink.run(stopping.signal)
  onTestFinished(async () => {
    stopping.abort()
    await running
    await receiver[Symbol.asyncDispose]()
    await tap[Symbol.asyncDispose]()
  })
  let appended = 0
  return {
    ...{ receiver, tap, outbox, uplink },
    append(count: number): void {
      for (let k = 0; k < count; k++) {
        const value = `${++appended} ${Math.sin(appended)}`
        const time = 1_700_000_000_000 + appended
        outbox.append('press', [{ point: `p${appended % 7}`, value, quality: 0, time }])
      }
    },
    appended: () => appended,
    drained: () => until(() => outbox.waiting() === 0),
  }
}

describeWith(['mosquitto'], 'the uplink and mosquitto', () => {
  test('MQTT 5 is spoken; neither Receive Maximum nor the packet size is exceeded; nothing is lost', async () => {
    const agent = await start(['max_inflight_messages 3', 'max_packet_size 700'])
    agent.append(300)
    await until(() => agent.uplink.status().state === 'connected')
    agent.append(100)
    for (let k = 0; k < 3; k++) {
      await until(() => agent.outbox.waiting() < 350 - 100 * k)
      agent.tap.cut()
      agent.append(20)
    }
    await agent.drained()
    expect(agent.uplink.status()).toMatchObject({ protocol: 'mqtt 5', kind: 'mqtt', format: 'columnar' })
    expect(agent.receiver.values()).toHaveLength(agent.appended())
    expect(agent.tap.seen.versions).toEqual([5, 5, 5, 5])
    expect(agent.tap.seen.mostUnanswered).toBe(3) // it is made use of
    expect(agent.tap.seen.largestPacket).toBeLessThanOrEqual(700)
  })

  test('a batch that no packet holds stays, says so and holds nobody up', async () => {
    const agent = await start(['max_packet_size 700'])
    const long = Array.from({ length: 100 }, (_, k) => Math.sin(k)).join()
    agent.append(5)
    agent.outbox.append('press', [{ point: 'p', value: long, quality: 0, time: 1 }])
    agent.append(5)
    await until(() => agent.outbox.waiting() === 1)
    await until(() => agent.uplink.status().tooLarge === 1)
    expect(agent.receiver.values()).toHaveLength(10)
    expect(agent.tap.seen.connections).toBe(1)
  })

  test('a PUBACK of a broker that tells nothing else counts only where it is trusted', async () => {
    const agent = await start([], { window: 2 })
    agent.receiver.setAnswering(false)
    agent.append(3)
    await until(() => agent.receiver.messages.length > 0 && agent.uplink.status().inFlight > 0)
    expect(agent.outbox.waiting()).toBe(3)

    const trusting = await start([], { trustPuback: true })
    trusting.receiver.setAnswering(false)
    trusting.append(3)
    trusting.outbox.lose({ epoch: 'a'.repeat(16), reason: 'quota', count: 1, since: 1, until: 2 })
    await trusting.drained()
    await until(() => trusting.outbox.gaps().length === 0)
  })

  test('names travel until a message with them was acknowledged, on each connection anew', async () => {
    const agent = await start([])
    agent.append(7)
    await agent.drained()
    agent.append(7)
    await agent.drained()
    expect(agent.receiver.messages.at(0)?.names).toBe(8)
    expect(agent.receiver.messages.at(-1)?.names).toBe(0)
    agent.tap.cut()
    await until(() => agent.tap.seen.connections === 2)
    const before = agent.receiver.messages.length
    agent.append(7)
    await agent.drained()
    expect(agent.receiver.messages.at(before)?.names).toBeGreaterThan(0)
  })

  test('losses and the state of the box are told', async () => {
    const agent = await start([])
    agent.outbox.lose({ epoch: 'a'.repeat(16), reason: 'quota', count: 1, since: 1, until: 2 })
    agent.tap.cut()
    await until(() => agent.outbox.gaps().length === 0 && agent.receiver.reports.length > 0)
    expect([...agent.receiver.gaps]).toEqual([1])
    expect(agent.receiver.reports[0]).toMatchObject({ release: 'r' })
  })

  test('Insights Hub time series go up on a PUBACK, in packets that are taken', async () => {
    const agent = await start(['max_inflight_messages 3', 'max_packet_size 1500'], {
      ...{ format: 'insights', trustPuback: true },
    })
    agent.append(60)
    await agent.drained()
    const sent = agent.receiver.timeSeries as { timeseries: { values: { value: string }[] }[] }[]
    await until(() => valuesOf(sent).length >= 60)
    expect(new Set(valuesOf(sent)).size).toBe(60)
    expect(agent.tap.seen.largestPacket).toBeLessThanOrEqual(1500)
    expect(agent.tap.seen.mostUnanswered).toBeLessThanOrEqual(3)
    expect(agent.receiver.messages).toEqual([])
  })

  test('time series without trust in PUBACK wait and say why', async () => {
    const agent = await start([], { format: 'insights' })
    await until(() => agent.uplink.status().reason?.includes('uplink.trust_puback') ?? false)
    expect(agent.uplink.status().state).toBe('waiting')
    expect(agent.tap.seen.connections).toBe(0)
  })
})

const valuesOf = (sent: { timeseries: { values: { value: string }[] }[] }[]): string[] =>
  sent.flatMap(({ timeseries }) => timeseries.flatMap(({ values }) => values.map(({ value }) => value)))
