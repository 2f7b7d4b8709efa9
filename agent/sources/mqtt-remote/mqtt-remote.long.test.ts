import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test, vi } from 'vitest'
import { issue } from '../../../certs/test-authority.ts'
import { systemClock } from '../../../core/clock.ts'
import { systemRandom } from '../../../core/random.ts'
import { statusCode } from '../../../protocol/reading.ts'
import { describeWith } from '../../../test/peers.ts'
import { readCredential } from '../places.ts'
import type { DeviceState, Sample, SourceContext } from '../source.ts'
import { datatype } from '../sparkplug/datatype.ts'
import { decodePayload } from '../sparkplug/payload.ts'
import { int32, payload } from '../sparkplug/test-encode.ts'
import { testContext } from '../test-context.ts'
import { mqttRemote } from './index.ts'
import { mosquitto } from './test-mosquitto.ts'

type Custom = Record<string, unknown>

/** Runs a source until the test ends; its waits are short. */
function source(
  custom: Custom,
  points: [type: string, custom: Custom][],
  given: Partial<SourceContext> = {},
) {
  const { context, stored, reported } = testContext({
    clock: systemClock,
    random: { ...systemRandom, fraction: () => 0 },
    ...given,
  })
  const running = mqttRemote.create(
    {
      custom,
      points: points.map(([type, place], at) => ({ id: `p${at}`, type: type as 'INT', custom: place })),
    },
    context,
  )
  const stop = new AbortController()
  const ended = running.run(stop.signal).catch(() => {})
  const end = async () => {
    stop.abort()
    await ended
  }
  onTestFinished(end)
  return { stored, reported, end }
}

async function client(url: string, options: { username?: string; password?: string } = {}) {
  const connected = await connectAsync(url, { ...options, reconnectPeriod: 0 })
  onTestFinished(() => connected.endAsync(true))
  return connected
}

const within = (assertion: () => void) => vi.waitFor(assertion, { timeout: 8_000, interval: 10 })
const isConnected = (reported: readonly DeviceState[]) =>
  within(() => expect(reported.at(-1)).toEqual({ at: 'connected' }))
const values = (samples: readonly Sample[]) => samples.map(({ value }) => value)

describeWith(['mosquitto', 'mosquitto_passwd'], 'a remote broker', () => {
  test('topics with and without wildcards, over TCP and WebSocket', async () => {
    const broker = await mosquitto()
    const points: [string, Custom][] = [
      ['INT', { topic: 'plant/+/n' }],
      ['INT', { topic: 'plant/1/n' }],
      ['DOUBLE', { topic: 'x/#', pointer: '/v', timePointer: '/t' }],
    ]
    for (const url of [broker.url, broker.wsUrl]) {
      const { stored, reported, end } = source({ url }, points)
      await isConnected(reported)
      const plant = await client(broker.url)
      await plant.publishAsync('plant/1/n', '1', { qos: 1 })
      await plant.publishAsync('plant/2/n', '2', { qos: 1 })
      await plant.publishAsync('plant/2/other', '3', { qos: 1 })
      await plant.publishAsync('x/y/z', '{"v":0.5,"t":7}')
      await within(() => expect(stored).toHaveLength(4))
      expect(stored.map(({ point, value }) => [point, value]).sort()).toEqual([
        ['p0', 1],
        ['p0', 2],
        ['p1', 1],
        ['p2', 0.5],
      ])
      expect(stored.find(({ point }) => point === 'p2')).toMatchObject({ time: 7, quality: 0 })
      await end()
    }
  })

  test('a message is acknowledged when it is kept; what was not kept comes again, in its order', async () => {
    const broker = await mosquitto()
    const kept: number[] = []
    let refusals = 2
    const storeOrRefuse = async (samples: readonly Sample[]) => {
      await systemClock.sleep(5)
      if (kept.length === 30 && refusals-- > 0) throw new Error('the outbox is full')
      kept.push(...(values(samples) as number[]))
    }
    const { reported, stored } = source({ url: broker.url, clientId: 'box' }, [['INT', { topic: 'n' }]], {
      storeOrRefuse,
    })
    await isConnected(reported)
    const plant = await client(broker.url)
    await Promise.all(Array.from({ length: 100 }, (_, n) => plant.publishAsync('n', `${n}`, { qos: 1 })))
    await within(() => expect(new Set(kept).size).toBe(100))
    // Each that was refused, and what was on the way behind it, came again; nothing was skipped.
    expect(kept.indexOf(99)).toBeGreaterThan(kept.indexOf(98))
    expect(stored, 'the device did not fail').toEqual([])
  })

  test('commits that take long are shared by many messages, and more than may wait are all kept', async () => {
    const broker = await mosquitto(['allow_anonymous true', 'max_inflight_messages 1000'])
    let kept = 0
    let waiting: (() => void)[] = []
    const storeOrRefuse = async () => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      kept++
    }
    const { reported } = source({ url: broker.url }, [['INT', { topic: 'n' }]], { storeOrRefuse })
    await isConnected(reported)
    const plant = await client(broker.url)
    await Promise.all(Array.from({ length: 700 }, (_, n) => plant.publishAsync('n', `${n}`, { qos: 1 })))
    for (const expected of [200, 200, 200, 100]) {
      await within(() => expect(waiting).toHaveLength(expected))
      const commit = waiting
      waiting = []
      for (const done of commit) done()
    }
    await within(() => expect(kept).toBe(700))
  })

  test('what came while the box was away is kept for it; a lost broker makes its points Bad once', async () => {
    const broker = await mosquitto()
    const custom = { url: broker.url, clientId: 'box' }
    const first = source(custom, [['INT', { topic: 'n' }]])
    await isConnected(first.reported)
    await first.end()
    const plant = await client(broker.url)
    for (let n = 0; n < 5; n++) await plant.publishAsync('n', `${n}`, { qos: 1 })
    const second = source(custom, [['INT', { topic: 'n' }]])
    await within(() => expect(values(second.stored)).toEqual([0, 1, 2, 3, 4]))

    await broker.stop()
    await within(() =>
      expect(second.reported.at(-1)).toMatchObject({ at: 'failing', reason: 'connection_refused' }),
    )
    const badOnes = second.stored.slice(5)
    expect(badOnes.map(({ reason }) => reason)).toEqual(['connection_lost', 'connection_refused'])
    expect(badOnes[0]).toMatchObject({ point: 'p0', value: null, quality: statusCode.badNotConnected })
    await broker.start()
    await isConnected(second.reported)
  })

  test('over TLS, trusted by its authority, with user and password of a file; a wrong one is told', async () => {
    const root = await issue({ name: 'plant', ca: true })
    const leaf = await issue({ name: 'broker', issuer: root, hosts: ['127.0.0.1'] })
    const dir = await mkdtemp(join(tmpdir(), 'mosquitto-users-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    await promisify(execFile)('mosquitto_passwd', ['-b', '-c', join(dir, 'users'), 'box', 'right:one'])
    const broker = await mosquitto(
      ['allow_anonymous false', 'password_file DIR/users', 'certfile DIR/cert', 'keyfile DIR/key'],
      { users: await readFile(join(dir, 'users'), 'utf8'), cert: leaf.chain, key: leaf.keyPem },
    )
    const credential = (name: string) => readCredential(dir, name)
    const points: [string, Custom][] = [['INT', { topic: 'n' }]]
    const url = broker.wsUrl.replace('ws:', 'wss:')
    const ca = root.certificate.toString()
    await writeFile(join(dir, 'good'), 'box:right:one\n')
    await writeFile(join(dir, 'wrong'), 'box:wrong\n')
    const { reported, stored } = source({ url, ca, credential: 'good' }, points, { credential })
    await isConnected(reported)
    const plant = await client(broker.url, { username: 'box', password: 'right:one' })
    await plant.publishAsync('n', '5', { qos: 1 })
    await within(() => expect(values(stored)).toEqual([5]))

    const failing = async (custom: Custom, expected: object) => {
      const other = source({ url, ...custom }, points, { credential })
      await within(() => expect(other.reported.at(-1)).toMatchObject({ at: 'failing', ...expected }))
    }
    await failing({ ca, credential: 'wrong' }, { reason: 'not_authorized' })
    await failing({ ca, credential: 'none' }, { message: expect.stringContaining(join(dir, 'none')) })
    await failing({ credential: 'good' }, { reason: 'unreachable_tls' })
  })

  test('retained messages are taken on request only, and their time is doubted', async () => {
    const broker = await mosquitto()
    const plant = await client(broker.url)
    await plant.publishAsync('n', '{"v":1}', { qos: 1, retain: true })
    await plant.publishAsync('timed', '{"v":2,"t":3}', { qos: 1, retain: true })
    const points: [string, Custom][] = [
      ['INT', { topic: 'n', pointer: '/v' }],
      ['INT', { topic: 'timed', pointer: '/v', timePointer: '/t' }],
    ]
    const without = source({ url: broker.url }, points)
    await isConnected(without.reported)
    await plant.publishAsync('n', '{"v":9}', { qos: 1 })
    await within(() => expect(values(without.stored)).toEqual([9]))
    const { stored } = source({ url: broker.url, retained: true }, points)
    await within(() => expect(stored).toHaveLength(2))
    expect(stored).toMatchObject([
      { value: 1, quality: statusCode.uncertain, reason: 'retained' },
      { value: 2, quality: 0, time: 3 },
    ])
  })

  test('a message that is too large ends the connection, and is named', async () => {
    const broker = await mosquitto()
    const { reported } = source({ url: broker.url, qos: 0 }, [['STRING', { topic: 'big' }]])
    await isConnected(reported)
    const plant = await client(broker.url)
    await plant.publishAsync('big', Buffer.alloc(2 * 1024 * 1024, 'x'))
    await within(() =>
      expect(reported).toContainEqual(expect.objectContaining({ reason: 'message_too_large' })),
    )
    await isConnected(reported)
  })

  test('Sparkplug: a birth is asked for on connecting, metrics are read, a death makes them Bad', async () => {
    const broker = await mosquitto()
    const node = await client(broker.url)
    const asked: string[] = []
    node.on('message', (topic, bytes) => {
      asked.push(`${topic} ${decodePayload(bytes).metrics[0]?.name}`)
      const bdSeq = { name: 'bdSeq', datatype: datatype.uint64, value: [11, 0n] as [number, bigint] }
      node.publish(
        'spBv1.0/g/NBIRTH/n',
        payload({ seq: 0n, timestamp: 5n }, bdSeq, int32('rpm', 7, { alias: 1n })),
      )
      node.publish('spBv1.0/g/NDATA/n', payload({ seq: 1n, timestamp: 6n }, { alias: 1n, value: [10, 8n] }))
      node.publish('spBv1.0/g/NDEATH/n', payload({}, bdSeq))
    })
    await node.subscribeAsync('spBv1.0/g/NCMD/n')
    const { stored } = source({ url: broker.url, payload: 'sparkplug', rebirth: true }, [
      ['INT', { group: 'g', node: 'n', metric: 'rpm' }],
    ])
    await within(() => expect(stored).toHaveLength(3))
    expect(asked).toEqual(['spBv1.0/g/NCMD/n Node Control/Rebirth'])
    expect(stored).toMatchObject([
      { point: 'p0', value: 7, quality: 0, time: 5 },
      { point: 'p0', value: 8, quality: 0, time: 6 },
      { point: 'p0', value: null, reason: 'node_dead', quality: statusCode.badNoCommunication },
    ])
  })
})
