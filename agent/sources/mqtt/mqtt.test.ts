import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isBad, type Reading, type Stamp, statusCode } from '../../../protocol/reading.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { planSources } from '../configuration.ts'
import { messageOf } from '../message.ts'
import type { Sample } from '../source.ts'
import { int32, payload } from '../sparkplug/test-encode.ts'
import { testContext } from '../test-context.ts'
import { mqtt } from './index.ts'
import { covers, fewest, isFilter } from './topics.ts'

const clock = manualClock(1_000)

async function read(
  point: { type: 'INT' | 'LONG' | 'DOUBLE' | 'BOOLEAN' | 'STRING'; pointer?: string; timePointer?: string },
  payload: string | Buffer,
  stamp = (): Stamp => ({ time: clock.now() }),
): Promise<Sample | undefined> {
  const { type, ...where } = point
  const { context, stored: emitted } = testContext({ clock, stamp })
  const source = mqtt.create(
    { custom: {}, points: [{ id: 'p', type, custom: { topic: 't', ...where } }] },
    context,
  )
  await source.offer?.('t', messageOf(Buffer.from(payload)))
  return emitted[0]
}

test('a pointer finds its value, also behind escapes and in arrays', async () => {
  const payload = '{"a/b": {"m~n": [10, 20, 9007199254740993]}}'
  expect(await read({ type: 'INT', pointer: '/a~1b/m~0n/1' }, payload)).toMatchObject({
    value: 20,
    quality: 0,
  })
  expect(await read({ type: 'LONG', pointer: '/a~1b/m~0n/2' }, payload)).toMatchObject({
    value: 9007199254740993n,
  })
})

test('without a pointer the whole payload is the value', async () => {
  expect(await read({ type: 'DOUBLE' }, ' 21.5\n')).toMatchObject({ value: 21.5, time: 1_000 })
  expect(await read({ type: 'STRING' }, '{"not": "read"}')).toMatchObject({ value: '{"not": "read"}' })
  expect(await read({ type: 'STRING', pointer: '' }, '"text"')).toMatchObject({ value: 'text' })
})

test.each([
  ['what is not JSON', { type: 'INT' }, '12,5', 'not_json', statusCode.badDecodingError],
  ['an empty payload', { type: 'INT' }, '', 'not_json', statusCode.badDecodingError],
  ['what is not UTF-8', { type: 'STRING' }, Buffer.from([0xff]), 'not_utf8', statusCode.badDecodingError],
  ['a missing member', { type: 'INT', pointer: '/a' }, '{"b":1}', 'not_found', statusCode.badNoData],
  ['an inherited member', { type: 'STRING', pointer: '/toString' }, '{}', 'not_found', statusCode.badNoData],
  ['an index into text', { type: 'STRING', pointer: '/0' }, '"ab"', 'not_found', statusCode.badNoData],
  ['the length of an array', { type: 'INT', pointer: '/length' }, '[1]', 'not_found', statusCode.badNoData],
  ['bottomless nesting', { type: 'INT' }, '['.repeat(200_000), 'not_json', statusCode.badDecodingError],
] as const)('%s is a Bad reading', async (_what, point, payload, reason, quality) => {
  expect(await read(point, payload)).toEqual({ point: 'p', value: null, quality, reason, time: 1_000 })
})

test('source time is RFC 3339 text or epoch milliseconds', async () => {
  const point = { type: 'INT', pointer: '/v', timePointer: '/t' } as const
  expect(await read(point, '{"v":1,"t":1764000000123}')).toMatchObject({ time: 1764000000123, quality: 0 })
  expect(await read(point, '{"v":1,"t":"2026-01-01T01:00:00.5+01:00"}')).toMatchObject({
    time: Date.UTC(2026, 0, 1, 0, 0, 0, 500),
  })
})

test('while the time of the box is not proven, the time of receipt says so, and a source time stands', async () => {
  const unproven = () => ({ time: 5, monotonic: 7 })
  expect(await read({ type: 'INT' }, '1', unproven)).toMatchObject(unproven())
  const timed = await read({ type: 'INT', pointer: '/v', timePointer: '/t' }, '{"v":1,"t":9}', unproven)
  expect(timed).toEqual({ point: 'p', value: 1, quality: 0, time: 9 })
})

test.each(['"2026-01-01T01:00:00"', '"yesterday"', '-1', 'null', '"2026-13-41T00:00:00Z"'])(
  'a value with the source time %s is Uncertain and carries the time of receipt',
  async (time) => {
    const sample = await read({ type: 'INT', pointer: '/v', timePointer: '/t' }, `{"v":1,"t":${time}}`)
    expect(sample).toEqual({
      point: 'p',
      value: 1,
      quality: statusCode.uncertain,
      reason: 'no_source_time',
      time: 1_000,
    } satisfies Reading & { reason: string })
  },
)

const all = async (custom: object, payload: string, stamp = (): Stamp => ({ time: 1_000 })) => {
  const { context, stored } = testContext({ clock, stamp })
  const points = [{ id: 'p', type: 'INT' as const, custom: { topic: 't', ...custom } }]
  await mqtt.create({ custom: {}, points }, context).offer?.('t', messageOf(Buffer.from(payload)))
  return stored
}

test('an array of values with times is as many readings', async () => {
  const payload =
    '{"m":[{"value":1,"time":10},{"value":2,"time":"1970-01-01T00:00:00.020Z"},{"value":3},{"x":1}]}'
  expect(await all({ pointer: '/m' }, payload)).toEqual([
    { point: 'p', value: 1, quality: 0, time: 10 },
    { point: 'p', value: 2, quality: 0, time: 20 },
    { point: 'p', value: 3, quality: 0, time: 1_000 },
    { point: 'p', value: null, quality: statusCode.badNoData, reason: 'not_found', time: 1_000 },
  ])
  const item = { pointer: '/v/0', timePointer: '/at' }
  expect(await all({ item }, '[{"v":[7],"at":30},{"v":[8]}]')).toMatchObject([
    { value: 7, time: 30 },
    { value: 8, time: 1_000, quality: statusCode.uncertain, reason: 'no_source_time' },
  ])
})

test('of an array of plain values the last is of the time of the message, the others are a period apart', async () => {
  const item = { period: '10ms' }
  expect(await all({ pointer: '/v', timePointer: '/t', item }, '{"t":500,"v":[1,2,"x"]}')).toMatchObject([
    { value: 1, time: 480 },
    { value: 2, time: 490 },
    { value: null, time: 500, reason: 'type_mismatch' },
  ])
  const unproven = () => ({ time: 1_000, monotonic: 50 })
  expect(await all({ item }, '[1,2]', unproven)).toMatchObject([
    { value: 1, time: 990, monotonic: 40 },
    { value: 2, time: 1_000, monotonic: 50 },
  ])
  expect(await all({}, '[]')).toEqual([])
  expect(await all({}, JSON.stringify(Array.from({ length: 10_001 }, () => 1)))).toMatchObject([
    { value: null, reason: 'too_many' },
  ])
})

test('any document and any pointer are readings, never an error', async () => {
  const pointer = fc.array(fc.oneof(fc.constantFrom('a', '0', '~0', '~1', ''), fc.string()), { maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(fc.json(), pointer, fc.boolean(), async (payload, tokens, isCut) => {
      const path = tokens.map((token) => `/${token}`).join('')
      const given = isCut ? payload.slice(0, -1) : payload
      for (const { value, quality, time } of await all(
        { pointer: path, timePointer: '/a', item: { period: '1s' } },
        given,
      )) {
        expect(value === null).toBe(isBad(quality))
        expect(Number.isFinite(time)).toBe(true)
      }
    }),
  )
})

test('Sparkplug comes over the broker of the box, too', async () => {
  const { context, stored } = testContext({ clock })
  const custom = { group: 'g', node: 'n', metric: 'rpm' }
  const source = mqtt.create(
    { custom: { payload: 'sparkplug' }, points: [{ id: 'p', type: 'INT', custom }] },
    context,
  )
  expect(source.isBound?.('spBv1.0/g/NBIRTH/n')).toBe(true)
  expect(source.isBound?.('spBv1.0/g/NCMD/n')).toBe(false)
  await source.offer?.('spBv1.0/g/NBIRTH/n', messageOf(payload({ seq: 0n, timestamp: 5n }, int32('rpm', 7))))
  await source.offer?.('spBv1.0/g/NBIRTH/n', messageOf({ document: {} }))
  expect(stored).toMatchObject([
    { value: 7, time: 5 },
    { value: null, reason: 'not_sparkplug' },
  ])
})

test('points say what the payload needs, and nothing else', () => {
  const faults = (customData: object, point: object, protocol = 'mqtt') => {
    try {
      planSources(
        [
          {
            name: 's',
            customData: { protocol, ...customData },
            dataPoints: [{ id: 'a', name: 'a', type: 'INT', customData: { ...point } }],
          },
        ],
        { minIntervalMs: 1 },
      )
      return []
    } catch (error) {
      return (error as { details: string[] }).details.map((line) => line.replace(/^.*customData\.?/, ''))
    }
  }
  expect(faults({}, { topic: 'a/b' })).toEqual([])
  expect(faults({}, { topic: 'a/+' })).toEqual(['topic: must be one topic; + and # are not taken'])
  expect(faults({}, { pointer: '/a' })).toEqual(['topic: missing'])
  expect(faults({}, { topic: 'a', node: 'n' })).toEqual(['node: needs "payload":"sparkplug"'])
  expect(faults({ payload: 'sparkplug' }, { topic: 'a', group: 'g' })).toEqual([
    'node: missing',
    'metric: missing',
    'topic: is not for sparkplug',
  ])
  const remote = (custom: object, point: object = { topic: 'a/+/b/#' }) =>
    faults(custom, point, 'mqtt-remote')
  expect(remote({ url: 'mqtts://b' })).toEqual([])
  expect(remote({ url: 'mqtts://b' }, { topic: 'a/#/b' })).toEqual([
    'topic: is no topic and no filter of MQTT',
  ])
  expect(remote({ url: 'mqtt://broker.plant' })[0]).toContain(
    'url: mqtt://broker.plant would go over the network',
  )
  expect(remote({ url: 'mqtts://u:p@b', persistent: true, rebirth: true, keepalive: '1s' })).toHaveLength(4)
})

test('a filter means the topics that MQTT says', () => {
  expect(['a/b', 'a', 'a/b/c'].filter((topic) => covers('a/#', topic))).toEqual(['a/b', 'a', 'a/b/c'])
  expect(['a/b', 'a', 'a/b/c', 'a/'].filter((topic) => covers('a/+', topic))).toEqual(['a/b', 'a/'])
  expect(covers('#', '$SYS/x')).toBe(false)
  expect(fewest(['a/b', 'a/+', 'a/+', 'c', 'x/#', 'x/+/y'])).toEqual(['a/+', 'c', 'x/#'])
  for (const filter of ['a#', 'a/#/b', 'a+/b', '', 'a\0']) expect(isFilter(filter), filter).toBe(false)
  for (const filter of ['#', '+', '+/a/#', '/a', 'a//b']) expect(isFilter(filter), filter).toBe(true)
})
