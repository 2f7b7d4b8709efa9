import { expect, test } from 'vitest'
import type { DataPoint, DataSource } from '../../../protocol/data-source-configuration.ts'
import { type Reading, statusCode } from '../../../protocol/reading.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { started } from '../test-sources.ts'
import { createPipeline, planPipeline } from './index.ts'

const point = (id: string, customData: object, type: DataPoint['type'] = 'DOUBLE'): DataPoint => ({
  ...{ id, name: id, type },
  customData: { ...customData },
})
const press = (...dataPoints: DataPoint[]): DataSource => ({
  ...{ name: 'press', dataPoints },
  customData: { protocol: 'mqtt' },
})
const values = (kept: readonly Reading[], id: string) =>
  kept.filter(({ point }) => point === id).map(({ value }) => value)

test('raw value to reading: scaled once, compared in the unit of the point, and what is held back is accounted for', async () => {
  const { sources, kept, lost, clock } = started()
  sources.apply([
    press(
      point('bar', { topic: 't', scale: { factor: 0.1 }, deadband: { type: 'Absolute', value: 0.5 } }),
      point('raw', { topic: 't' }),
    ),
  ])
  for (const value of [100, 104, 106, 107, 100]) {
    await sources.offer('t', Buffer.from(`${value}`))
    await clock.advance(1_000)
  }
  expect(values(kept, 'bar')).toEqual([10, 10.6, 10])
  expect(values(kept, 'raw')).toEqual([100, 104, 106, 107, 100])
  expect(lost).toEqual([
    ['press', 'deadband', 1],
    ['press', 'deadband', 1],
  ])
  expect(sources.status()).toMatchObject([{ state: 'good', readings: 8, withheld: 2 }])
})

test('a deadband in percent is one of the range', async () => {
  const { sources, kept } = started()
  const deadband = { type: 'Percent', value: 5, range: [-50, 150] }
  sources.apply([press(point('a', { topic: 't', deadband }))])
  for (const value of [0, 9, 10, 11, 20]) await sources.offer('t', Buffer.from(`${value}`))
  expect(values(kept, 'a')).toEqual([0, 11])
})

test('a range that only the device knows counts from when it is known', () => {
  const dataPoints = [point('a', { deadband: { type: 'Percent', value: 10 } })]
  const { plan } = planPipeline(dataPoints, true, () => expect.unreachable())
  if (!plan) return expect.unreachable()
  const pipeline = createPipeline(plan, manualClock())
  const sent = (value: number) =>
    pipeline.pass([{ point: 'a', value, quality: 0, time: 0 }]).samples.map((each) => each.value)
  expect([sent(1), sent(2), sent(2)]).toEqual([[1], [2], []])
  pipeline.euRange('a', [0, 100])
  expect([sent(12), sent(13)]).toEqual([[], [13]])
})

test('what a filter held back is done for its producer; what passed is not until it is kept', async () => {
  const { sources, kept, disk, lost } = started()
  sources.apply([press(point('a', { topic: 't', trigger: 'StatusValue' }))])
  await sources.offer('t', Buffer.from('1'))
  disk.fault = new Error('disk full')
  await sources.offer('t', Buffer.from('1')) // needs no disk
  await expect(sources.offer('t', Buffer.from('2'))).rejects.toThrow('disk full')
  disk.fault = undefined
  await sources.offer('t', Buffer.from('2')) // its producer sends it again: not taken for known
  expect(values(kept, 'a')).toEqual([1, 2])
  expect(lost).toEqual([['press', 'deadband', 1]])
})

test('a value that came too soon follows when the minimum interval is over, though nothing else comes', async () => {
  const { sources, kept, clock, lost } = started()
  sources.apply([press(point('a', { topic: 't', minInterval: '5s' }))])
  for (const value of [1, 2, 3]) await sources.offer('t', Buffer.from(`${value}`))
  expect(values(kept, 'a')).toEqual([1])
  const readAt = clock.now()
  await clock.advance(6_000)
  expect(values(kept, 'a')).toEqual([1, 3])
  expect(kept.at(-1)?.time).toBe(readAt)
  expect(lost).toEqual([['press', 'rate', 1]])
})

test('a point that turns Bad says so at once, whatever its filters', async () => {
  const { sources, kept } = started()
  const keys = { deadband: { type: 'Absolute', value: 1e9 }, minInterval: '1h', maxInterval: '1d' }
  sources.apply([press(point('a', { topic: 't', ...keys }))])
  for (const text of ['1', 'x', 'y', '1']) await sources.offer('t', Buffer.from(text))
  expect(kept.map(({ quality }) => quality)).toEqual([0, statusCode.badDecodingError, 0])
})

const minute = (name: string, id = name) =>
  point(id, { aggregate: { of: 'raw', function: name, window: '60s' } })

test('an aggregate is a point of its own, beside its raw point or instead of it', async () => {
  const { sources, kept, clock, lost } = started()
  sources.apply([
    press(
      point('raw', { topic: 't', sent: false, scale: { factor: 0.5 } }, 'INT'),
      minute('Average'),
      { ...minute('Maximum'), type: 'INT' },
      { ...minute('Count'), type: 'LONG' },
      point('beside', { topic: 't' }),
    ),
  ])
  const start = clock.now()
  expect(start % 60_000).toBe(0)
  for (const value of [2, 5, 8]) {
    await sources.offer('t', Buffer.from(`${value}`))
    await clock.advance(10_000)
  }
  expect(kept.map(({ point }) => point)).toEqual(['beside', 'beside', 'beside'])
  await clock.advance(32_000)
  const made = kept.slice(3)
  // 2, 5 and 8 by a half are 1, 3 (2.5, away from zero) and 4.
  expect(made).toEqual([
    { point: 'Average', value: expect.closeTo(8 / 3, 9), quality: 0, time: start },
    { point: 'Maximum', value: 4, quality: 0, time: start },
    { point: 'Count', value: 3, quality: 0, time: start },
  ])
  expect(lost).toEqual([]) // what is only aggregated was never to be sent
})

test('an aggregate counts a message that was refused once, when it is kept', async () => {
  const { sources, kept, clock, disk } = started()
  sources.apply([press(point('raw', { topic: 't' }), { ...minute('Count'), type: 'INT' })])
  disk.fault = new Error('disk full')
  await expect(sources.offer('t', Buffer.from('1'))).rejects.toThrow('disk full')
  disk.fault = undefined
  await sources.offer('t', Buffer.from('1'))
  await clock.advance(62_000)
  expect(values(kept, 'Count')).toEqual([1])
})

test('an aggregate has filters of its own, and what is open is sent at the end', async () => {
  const { sources, kept, clock, lost } = started()
  const aggregate = { of: 'raw', function: 'Average', window: '1s' }
  const raw = point('raw', { topic: 't', sent: false })
  sources.apply([press(raw, point('mean', { aggregate, deadband: { type: 'Absolute', value: 1 } }))])
  for (const value of [1, 1.5, 3, 3.5]) {
    await sources.offer('t', Buffer.from(`${value}`))
    await clock.advance(1_000)
  }
  sources.apply([])
  await clock.advance(0)
  expect(kept.map(({ value, quality }) => [value, quality])).toEqual([
    [1, 0],
    [3, 0],
    [3.5, statusCode.uncertain],
  ])
  expect(lost).toEqual([['press', 'deadband', 1]])
})

test.each<[fault: string, customData: object, type?: DataPoint['type']]>([
  ['scale: is for INT, LONG and DOUBLE, not for STRING', { topic: 't', scale: { factor: 2 } }, 'STRING'],
  ['scale: is either factor and offset, or from and to', { topic: 't', scale: {} }],
  ['scale: is either factor and offset, or from and to', { topic: 't', scale: { offset: 1, to: [0, 1] } }],
  ['scale: needs both from and to', { topic: 't', scale: { from: [0, 1] } }],
  ['scale.factor: must not be 0', { topic: 't', scale: { factor: 0 } }],
  ['scale.from: is empty', { topic: 't', scale: { from: [1, 1], to: [0, 1] } }],
  ['scale.clamp: is for from and to', { topic: 't', scale: { factor: 1, clamp: true } }],
  ['scale.factor: must be number', { topic: 't', scale: { factor: '1' } }],
  ['scale: has unknown gain', { topic: 't', scale: { factor: 1, gain: 1 } }],
  ['deadband.type: must be Absolute or Percent', { topic: 't', deadband: { type: 'Relative', value: 1 } }],
  [
    'deadband.range: is for the type Percent',
    { topic: 't', deadband: { type: 'Absolute', value: 1, range: [0, 1] } },
  ],
  [
    'deadband.range: missing: percent of what? [low, high]',
    { topic: 't', deadband: { type: 'Percent', value: 1 } },
  ],
  [
    'deadband.range: must be [low, high]',
    { topic: 't', deadband: { type: 'Percent', value: 1, range: [1, 0] } },
  ],
  [
    'deadband.value: must be at most 100 percent',
    { topic: 't', deadband: { type: 'Percent', value: 101, range: [0, 1] } },
  ],
  [
    'deadband: has no effect with the trigger Status',
    { topic: 't', trigger: 'Status', deadband: { type: 'Absolute', value: 1 } },
  ],
  ['trigger: must be Status or StatusValue or StatusValueTimestamp', { topic: 't', trigger: 'Value' }],
  [
    'maxInterval: "1s" is too short; it is at least 1 ms and minInterval',
    { topic: 't', minInterval: '2s', maxInterval: '1s' },
  ],
  ['sent: no point is an aggregate of this one: it would be read for nothing', { topic: 't', sent: false }],
  [
    'aggregate.of: "x" is no acquired point of this data source',
    { aggregate: { of: 'x', function: 'Average', window: '1s' } },
  ],
  [
    'aggregate.of: "made" is no acquired point of this data source',
    { aggregate: { of: 'made', function: 'Average', window: '1s' } },
  ],
  [
    'aggregate.function: Average is for numbers; "text" is STRING',
    { aggregate: { of: 'text', function: 'Average', window: '1s' } },
  ],
  [
    'aggregate.function: Average fits a point of type DOUBLE, not INT',
    { aggregate: { of: 'raw', function: 'Average', window: '1s' } },
    'INT',
  ],
  [
    'aggregate.function: Minimum fits a point of type DOUBLE, not INT',
    { aggregate: { of: 'raw', function: 'Minimum', window: '1s' } },
    'INT',
  ],
  [
    'aggregate.window: must be at least 1 ms',
    { aggregate: { of: 'raw', function: 'Average', window: '0s' } },
  ],
  [
    'topic: is not for an aggregate; say it of "raw"',
    { topic: 't', aggregate: { of: 'raw', function: 'Average', window: '1s' } },
  ],
])('a wrong key is told with its path: %s', (fault, customData, type) => {
  const { sources } = started()
  const made = point('made', { aggregate: { of: 'raw', function: 'Average', window: '1s' } })
  const others = [point('raw', { topic: 't' }), point('text', { topic: 't' }, 'STRING'), made]
  expect(() => sources.apply([press(...others, point('wrong', customData, type))])).toThrow(
    expect.objectContaining({ details: [`dataSources[0].dataPoints[3].customData.${fault}`] }),
  )
})

test('faults of the protocol are told of the point where it stands, aggregates counted', () => {
  const { sources } = started()
  const dataPoints = [minute('Average'), point('raw', { topic: 'a/#' })]
  expect(() => sources.apply([press(...dataPoints)])).toThrow(
    expect.objectContaining({
      details: ['dataSources[0].dataPoints[1].customData.topic: must be one topic; + and # are not taken'],
    }),
  )
})
