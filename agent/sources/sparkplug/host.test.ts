import { expect, test } from 'vitest'
import { statusCode } from '../../../protocol/reading.ts'
import { datatype } from './datatype.ts'
import { createHost } from './host.ts'
import { field } from './protobuf.ts'
import type { BoundPoint } from './reading.ts'
import { type Given, int32, payload, text } from './test-encode.ts'

const received = { time: 9_000 }
const at = (type: string, device = '') => `spBv1.0/plant/${type}/press${device === '' ? '' : `/${device}`}`

const point = (id: string, metric: string, more: Partial<BoundPoint['custom']> = {}): BoundPoint => ({
  ...{ id, type: 'INT' },
  custom: { group: 'plant', node: 'press', metric, ...more },
})

function host(points: BoundPoint[], rebirth = true) {
  const { take, ...rest } = createHost(points, { rebirth })
  return { ...rest, take: (topic: string, bytes: Buffer) => take(topic, bytes, received) }
}

const birth = (...metrics: Given[]) =>
  payload(
    { seq: 0n, timestamp: 1_000n },
    { name: 'bdSeq', datatype: datatype.int64, value: [11, 7n] },
    ...metrics,
  )

test('a node is heard by name in its birth and by alias after it', () => {
  const { take, filters } = host([point('a', 'Inputs/A'), point('b', 'B', { device: 'arm' })])
  expect(filters).toEqual(['spBv1.0/plant/+/press/#'])
  expect(take(at('NBIRTH'), birth(int32('Inputs/A', -5, { alias: 1n })))).toEqual({
    samples: [{ point: 'a', value: -5, quality: 0, time: 1_000 }],
  })
  // the same alias at a device is another metric
  const device = payload({ seq: 1n, timestamp: 1_500n }, int32('B', 1, { alias: 1n }))
  expect(take(at('DBIRTH', 'arm'), device).samples).toMatchObject([{ point: 'b', value: 1 }])
  const data = payload({ seq: 2n, timestamp: 2_000n }, { alias: 1n, timestamp: 1_900n, value: [10, 8n] })
  expect(take(at('NDATA'), data)).toEqual({
    samples: [{ point: 'a', value: 8, quality: 0, time: 1_900 }],
  })
  const more = payload({ seq: 3n, timestamp: 2_000n }, { alias: 1n, value: [10, 9n] })
  expect(take(at('DDATA', 'arm'), more).samples).toEqual([{ point: 'b', value: 9, quality: 0, time: 2_000 }])
})

test('a message that is missing makes aliases doubtful until the birth that is asked for', () => {
  const { take } = host([point('a', 'A')])
  take(at('NBIRTH'), birth(int32('A', 1, { alias: 1n })))
  const data = (seq: bigint) => payload({ seq, timestamp: 2n }, { alias: 1n, value: [10, 8n] })
  expect(take(at('NDATA'), data(2n))).toEqual({
    samples: [{ point: 'a', value: 8, quality: statusCode.uncertain, reason: 'sequence_gap', time: 2 }],
    rebirth: 'spBv1.0/plant/NCMD/press',
  })
  expect(take(at('NDATA'), payload({ seq: 3n }, int32('A', 4))).samples).toMatchObject([
    { value: 4, quality: 0 },
  ])
  take(at('NBIRTH'), birth(int32('A', 1, { alias: 1n })))
  expect(take(at('NDATA'), data(1n))).toMatchObject({ samples: [{ quality: 0 }] })
})

test('numbers of messages begin again after 255', () => {
  const { take } = host([point('a', 'A')])
  take(at('NBIRTH'), birth(int32('A', 1, { alias: 1n })))
  for (let seq = 1; seq < 600; seq++)
    expect(take(at('NDATA'), payload({ seq: BigInt(seq % 256) }))).toEqual({ samples: [] })
})

test('where nobody may be asked, a missing message changes nothing', () => {
  const { take } = host([point('a', 'A')], false)
  take(at('NBIRTH'), birth(int32('A', 1, { alias: 1n })))
  expect(take(at('NDATA'), payload({ seq: 9n, timestamp: 2n }, { alias: 1n, value: [10, 8n] }))).toEqual({
    samples: [{ point: 'a', value: 8, quality: 0, time: 2 }],
  })
})

test('an alias that no birth has told cannot be read, and a birth is asked for', () => {
  const { take, missed } = host([point('a', 'A')])
  expect(missed()).toEqual(['spBv1.0/plant/NCMD/press'])
  expect(take(at('NDATA'), payload({ seq: 1n }, { alias: 1n, value: [10, 8n] }))).toEqual({
    samples: [],
    rebirth: 'spBv1.0/plant/NCMD/press',
  })
})

test('a death makes Bad what died: a device alone, or the node with all its devices', () => {
  const { take } = host([
    point('a', 'A'),
    point('b', 'B', { device: 'arm' }),
    point('c', 'C', { device: 'leg' }),
  ])
  take(at('NBIRTH'), birth(int32('A', 1)))
  const died = (reason: string) => ({
    value: null,
    quality: statusCode.badNoCommunication,
    reason,
    time: 9_000,
  })
  expect(take(at('DDEATH', 'arm'), payload({ seq: 1n }))).toEqual({
    samples: [{ point: 'b', ...died('device_dead') }],
  })
  const death = (bdSeq: bigint) =>
    payload({}, { name: 'bdSeq', datatype: datatype.int64, value: [11, bdSeq] })
  expect(take(at('NDEATH'), death(6n)), 'of the life before').toEqual({ samples: [] })
  expect(take(at('NDEATH'), death(7n)).samples).toEqual(
    ['a', 'b', 'c'].map((id) => ({ point: id, ...died('node_dead') })),
  )
})

test('null, a metric that the birth does not have, a wrong type and the quality of the source are told', () => {
  const properties = (quality: number) =>
    Buffer.concat([
      field(1, text('Quality')),
      field(2, Buffer.concat([field(1, 3n), field(3, BigInt(quality))])),
    ])
  const { take } = host(['n', 'm', 't', 'bad', 'stale'].map((id) => point(id, id)))
  const { samples } = take(
    at('NBIRTH'),
    birth(
      { name: 'n', datatype: datatype.int32, isNull: true },
      { name: 't', datatype: datatype.int32, value: [15, text('x')] },
      int32('bad', 1, { properties: properties(0) }),
      int32('stale', 2, { properties: properties(500) }),
    ),
  )
  expect(samples).toMatchObject([
    { point: 'n', value: null, reason: 'no_value' },
    { point: 't', value: null, reason: 'other_data_type' },
    { point: 'bad', value: null, reason: 'bad_at_source', quality: statusCode.bad },
    { point: 'stale', value: 2, reason: 'stale', quality: statusCode.uncertain },
    { point: 'm', value: null, reason: 'no_such_metric', quality: statusCode.badNoData },
  ])
})

test('times, arrays and data sets find their way into points', () => {
  const { take } = host([
    { ...point('when', 'T'), type: 'TIMESTAMP' },
    { ...point('ms', 'T'), type: 'LONG' },
    { ...point('all', 'L'), type: 'STRING' },
    point('second', 'L', { pointer: '/1' }),
  ])
  const { samples } = take(
    at('NBIRTH'),
    birth(
      { name: 'T', datatype: datatype.dateTime, value: [11, 1_000n] },
      { name: 'L', datatype: datatype.int8Array, value: [16, Buffer.from([5, 6])] },
    ),
  )
  expect(samples.map(({ value }) => value)).toEqual(['1970-01-01T00:00:01.000Z', 1_000, '[5,6]', 6])
})

test('what is no payload makes its points Bad', () => {
  const { take, isBound } = host([point('a', 'A')])
  expect(take(at('NDATA'), Buffer.from('{"a":1}'))).toMatchObject({
    samples: [{ point: 'a', value: null, reason: 'not_sparkplug', quality: statusCode.badDecodingError }],
  })
  for (const topic of [
    at('NCMD'),
    at('STATE'),
    'spBv1.0/plant/NDATA/other',
    'spBv1.0/STATE/host',
    at('NDATA', 'x'),
  ])
    expect(isBound(topic), topic).toBe(false)
})
