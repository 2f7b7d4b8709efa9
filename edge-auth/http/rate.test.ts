import { expect, test } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import { createRateLimit } from './rate.ts'

test('in any span there are at most so many, and what is refused does not count', async () => {
  const clock = manualClock()
  const limit = createRateLimit([{ count: 3, spanMs: 800 }], clock)
  const passed: number[] = []
  for (let n = 0; n < 200; n++) {
    if (limit('a') === undefined) passed.push(clock.monotonic())
    await clock.advance(37)
  }
  for (const from of passed)
    expect(passed.filter((at) => at >= from && at < from + 800).length).toBeLessThan(4)
  expect(passed.length).toBeGreaterThan(20)
})

test('who is refused is told when to come again, and then may', async () => {
  const clock = manualClock()
  const limit = createRateLimit([{ count: 1, spanMs: 1000 }], clock)
  expect(limit('a')).toBeUndefined()
  expect(limit('b')).toBeUndefined()
  for (let wait = limit('a'), tries = 0; wait !== undefined; wait = limit('a')) {
    expect(wait).toBeGreaterThan(0)
    expect(++tries).toBeLessThan(12)
    await clock.advance(wait)
  }
  expect(clock.monotonic()).toBeGreaterThanOrEqual(1000)
})

test('all of several rates hold, and none means no limit', async () => {
  const clock = manualClock()
  const both = createRateLimit(
    [
      { count: 2, spanMs: 100 },
      { count: 3, spanMs: 10_000 },
    ],
    clock,
  )
  expect([both('a'), both('a')]).toEqual([undefined, undefined])
  expect(both('a')).toBeGreaterThan(0)
  await clock.advance(200)
  expect(both('a')).toBeUndefined()
  await clock.advance(200)
  expect(both('a')).toBeGreaterThan(0)
  const none = createRateLimit([], clock)
  for (let n = 0; n < 1000; n++) expect(none('a')).toBeUndefined()
})
