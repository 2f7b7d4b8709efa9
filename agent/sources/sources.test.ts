import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { Invalid } from '../../core/errors.ts'
import { openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import type { DataPoint, DataSource } from '../../protocol/data-source-configuration.ts'
import { statusCode } from '../../protocol/reading.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { createAlarms } from '../alarms.ts'
import { protocols } from './protocols.ts'
import { createRunning } from './running.ts'
import { createSharing } from './shared.ts'
import { started } from './test-sources.ts'

const log = pino({ level: 'silent' })

const point = (id: string, customData: object, type: DataPoint['type'] = 'DOUBLE'): DataPoint => ({
  id,
  name: id,
  type,
  customData: { ...customData },
})
const press = (...dataPoints: DataPoint[]): DataSource => ({
  name: 'press',
  customData: { protocol: 'mqtt' },
  dataPoints,
})
const box = (...dataPoints: DataPoint[]): DataSource => ({
  name: 'box',
  customData: { protocol: 'system', interval: '1s' },
  dataPoints,
})

test('a message is stored for every point that is bound to its topic, also across sources', async () => {
  const { sources, kept } = started()
  sources.apply([
    press(
      point('a', { topic: 'apps/press/x', pointer: '/t' }),
      point('b', { topic: 'apps/press/x', pointer: '/p' }),
    ),
    { ...press(point('c', { topic: 'apps/press/x' }, 'STRING')), name: 'raw' },
  ])
  expect(sources.offer('apps/press/y', Buffer.from('1'))).toBeUndefined()
  await sources.offer('apps/press/x', Buffer.from('{"t":21.5,"p":3}'))
  expect(kept.map(({ point, value }) => [point, value])).toEqual([
    ['a', 21.5],
    ['b', 3],
    ['c', '{"t":21.5,"p":3}'],
  ])
})

test('a message that could not be stored is not acknowledged, and the status says so until it can', async () => {
  const { sources, disk } = started()
  sources.apply([press(point('a', { topic: 't' }))])
  disk.fault = new Error('disk full')
  await expect(sources.offer('t', Buffer.from('1'))).rejects.toThrow('disk full')
  expect(sources.status()).toMatchObject([
    { state: 'degraded', reason: 'readings are not stored: disk full', readings: 0, refused: 1, lost: 0 },
  ])
  disk.fault = undefined
  await sources.offer('t', Buffer.from('1'))
  expect(sources.status()).toMatchObject([{ state: 'good', readings: 1 }])
})

test('what nobody repeats is lost when it cannot be stored, and the ledger is told how much', async () => {
  const { sources, disk, lost, clock } = started()
  disk.fault = new Error('disk full')
  sources.apply([box(point('load', { metric: 'load.1' }), point('up', { metric: 'uptime' }))])
  await vi.waitFor(() => expect(lost).toEqual([['box', 'refused', 2]]), { interval: 5, timeout: 15_000 })
  expect(sources.status()).toMatchObject([{ state: 'degraded', readings: 0, refused: 0, lost: 2 }])
  disk.fault = undefined
  await clock.advance(1_000)
  await vi.waitFor(() => expect(sources.status()).toMatchObject([{ state: 'good', readings: 2, lost: 2 }]), {
    interval: 5,
    timeout: 15_000,
  })
})

test('what its producer repeats is not lost when it is refused', async () => {
  const { sources, disk, lost } = started()
  sources.apply([press(point('a', { topic: 't' }))])
  disk.fault = new Error('disk full')
  await expect(sources.offer('t', Buffer.from('1'))).rejects.toThrow('disk full')
  expect(lost).toEqual([])
})

test('readings go to the outbox under the name of their source and with its priority', async () => {
  const { sources, appended } = started()
  const alarms = { ...press(point('a', { topic: 'a' })), name: 'alarms' }
  sources.apply([
    press(point('t', { topic: 't' })),
    { ...alarms, customData: { protocol: 'mqtt', priority: 'event' } },
  ])
  await sources.offer('a', Buffer.from('1'))
  await sources.offer('t', Buffer.from('1'))
  expect(appended.map(({ source, priority }) => [source, priority])).toEqual([
    ['alarms', 'event'],
    ['press', 'telemetry'],
  ])
  const urgent = { ...alarms, customData: { protocol: 'mqtt', priority: 'urgent' } }
  expect(() => sources.apply([urgent])).toThrow(
    'dataSources[0].customData.priority: must be telemetry or event',
  )
})

test('a JSON document is read as a message that has its text would be; a text in it is meant as it is', async () => {
  const { sources, kept } = started()
  sources.apply([
    press(
      point('n', { topic: 'm', pointer: '/n' }, 'LONG'),
      point('all', { topic: 'm' }, 'STRING'),
      point('word', { topic: 'w' }, 'STRING'),
      point('quoted', { topic: 'w', pointer: '' }, 'STRING'),
    ),
  ])
  expect(sources.isBound('m')).toBe(true)
  expect(sources.isBound('x')).toBe(false)
  expect(sources.offer('x', { document: 1 })).toBeUndefined()
  await sources.offer('m', { document: { n: 9007199254740993n } })
  await sources.offer('w', { document: 'running' })
  expect(Object.fromEntries(kept.map(({ point, value }) => [point, value]))).toEqual({
    n: 9007199254740993n,
    all: '{"n":9007199254740993}',
    word: 'running',
    quoted: 'running',
  })
})

test('bad readings are stored, counted by reason and named in the status', async () => {
  const { sources, kept } = started()
  sources.apply([press(point('a', { topic: 't' }), point('b', { topic: 't' }, 'INT'))])
  expect(sources.status()).toMatchObject([{ name: 'press', protocol: 'mqtt', state: 'starting' }])
  await sources.offer('t', Buffer.from('1.5'))
  await sources.offer('t', Buffer.from('1.5'))
  expect(sources.status()).toMatchObject([
    { state: 'degraded', reason: 'b: type_mismatch', readings: 4, bad: { type_mismatch: 2 } },
  ])
  expect(kept.filter(({ quality }) => quality === statusCode.badTypeMismatch)).toHaveLength(2)
  await sources.offer('t', Buffer.from('1'))
  expect(sources.status()).toMatchObject([{ state: 'good', bad: { type_mismatch: 2 } }])
})

test('an untouched source keeps running while others come, change and go', async () => {
  const { sources, kept, clock } = started()
  const load = box(point('load', { metric: 'load.1' }))
  const count = (id: string) => kept.filter((reading) => reading.point === id).length
  sources.apply([load, press(point('a', { topic: 't' }))])
  await vi.waitFor(() => expect(count('load')).toBe(1), { interval: 5, timeout: 15_000 })

  sources.apply([press(point('b', { topic: 'u' })), structuredClone(load)])
  expect(sources.offer('t', Buffer.from('1'))).toBeUndefined()
  await sources.offer('u', Buffer.from('1'))
  expect(count('load')).toBe(1) // a restart would have polled at once
  expect(sources.status()[1]).toMatchObject({ name: 'box', readings: 1 })

  sources.apply([])
  await clock.advance(10_000)
  expect(count('load')).toBe(1)
  expect(sources.status()).toEqual([])
})

test('every fault is told with its path, and nothing changes', async () => {
  const { sources } = started()
  sources.apply([press(point('a', { topic: 't' }))])
  const wrong: DataSource[] = [
    { name: 'none', dataPoints: [] },
    { name: 'unknown', customData: { protocol: 'telex' }, dataPoints: [] },
    {
      ...box(
        point('b', { metric: 'memory.usd' }),
        point('c', { metric: 'network.rx_bytes' }),
        point('d', { metric: 'load.1', path: '/' }),
        point('e', { metric: 'load.1' }, 'INT'),
      ),
      customData: { protocol: 'system', interval: '50ms' },
    },
    press(point('f', { topic: 'apps/+/x' }), point('g', { topic: 'x', pointer: 'value' }), point('h', {})),
    press(point('a', { topic: 'x', wat: 1 }), point('a', { topic: 'y' })),
  ]
  let thrown: unknown
  try {
    sources.apply(wrong)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(Invalid)
  const known = Object.keys(protocols).join(', ')
  expect((thrown as Invalid).details).toEqual([
    'dataSources: more than one data point has the id "a"',
    `dataSources[0].customData.protocol: missing; valid are ${known}`,
    `dataSources[1].customData.protocol: unknown protocol "telex"; valid are ${known}`,
    'dataSources[2].customData.interval: "50ms" is shorter than sources.min_interval, 100 ms',
    'dataSources[2].dataPoints[0].customData.metric: unknown metric "memory.usd"; did you mean "memory.used"?',
    'dataSources[2].dataPoints[1].customData.interface: missing; "network.rx_bytes" needs it',
    'dataSources[2].dataPoints[2].customData.path: "load.1" does not take it',
    'dataSources[2].dataPoints[3].customData.metric: "load.1" fits a point of type DOUBLE, not INT',
    'dataSources[3].dataPoints[0].customData.topic: must be one topic; + and # are not taken',
    'dataSources[3].dataPoints[1].customData.pointer: "value" is no JSON pointer; for example "/value"',
    'dataSources[3].dataPoints[2].customData.topic: missing',
    'dataSources[4].dataPoints[0].customData: has unknown wat',
  ])
  expect(sources.status()).toMatchObject([{ name: 'press' }])
  await sources.offer('t', Buffer.from('1'))
})

test('a source that fails is dead, says why, and is run again', async () => {
  const clock = manualClock()
  let runs = 0
  const source = createRunning(
    {
      definition: press(),
      protocol: 'mqtt',
      priority: 'telemetry',
      create: ({ storeOrLose }) => ({
        async run() {
          runs++
          if (runs === 3) await storeOrLose([{ point: 'a', value: 1, quality: 0, time: 0 }])
          throw new Error('cable pulled')
        },
      }),
    },
    {
      outbox: { append: async () => {}, lose: () => {} },
      stamp: () => ({ time: 0 }),
      clock,
      random: { ...systemRandom, fraction: () => 1 },
      ...{ log, network: openNetwork(), alarms: createAlarms({ clock, log }) },
      ...createSharing(),
    },
  )
  const stop = new AbortController()
  const ended = source.run(stop.signal)
  await clock.advance(999)
  expect(source.status()).toMatchObject({ state: 'dead', reason: 'cable pulled' })
  expect(runs).toBe(1)
  await clock.advance(1)
  expect(runs).toBe(2)
  await clock.advance(2_000)
  expect(runs).toBe(3)
  expect(source.status()).toMatchObject({ state: 'dead', readings: 1 })
  stop.abort()
  await ended
})
