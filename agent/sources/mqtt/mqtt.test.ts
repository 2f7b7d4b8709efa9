import { expect, test } from 'vitest'
import { type Reading, type Stamp, statusCode } from '../../../protocol/reading.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { messageOf } from '../message.ts'
import type { Sample } from '../source.ts'
import { testContext } from '../test-context.ts'
import { mqtt } from './index.ts'

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
