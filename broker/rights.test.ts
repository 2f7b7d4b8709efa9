import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { createMeter } from './meter.ts'
import { covers, mayPublish, maySubscribe } from './rights.ts'

describe('covers', () => {
  test.each([
    ['plant/#', 'plant/a/b', true],
    ['plant/#', 'plant/+/b', true],
    ['plant/#', 'plant', true],
    ['plant/+', 'plant/a', true],
    ['plant/+', 'plant/+', true],
    ['plant/+', 'plant/#', false],
    ['plant/+', 'plant/a/b', false],
    ['plant/a', 'plant/+', false],
    ['plant/a', 'plant/a', true],
    ['plant/a', 'plant', false],
    ['+/x', '$SYS/x', false],
    ['+/x', '$share/x', false],
  ])('%s covers %s: %s', (outer, inner, expected) => {
    expect(covers(outer, inner)).toBe(expected)
  })

  test('what covers a filter covers each topic of that filter', () => {
    const level = fc.constantFrom('a', 'b', 'c')
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))
    const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))
    fc.assert(
      fc.property(filter, filter, topic, (outer, inner, one) => {
        fc.pre(covers(outer, inner) && covers(inner, one))
        expect(covers(outer, one)).toBe(true)
      }),
    )
  })
})

test('an app publishes to its own topics and to those that it was granted, never to a filter', () => {
  expect(mayPublish('press', 'apps/press/x')).toBe(true)
  expect(mayPublish('press', 'apps/saw/x')).toBe(false)
  expect(mayPublish('press', 'apps/saw/x', ['apps/saw/#'])).toBe(true)
  expect(mayPublish('press', 'apps/saw/#', ['apps/saw/#'])).toBe(false)
  expect(maySubscribe('press', 'plant/+/temp', ['plant/#'])).toBe(true)
  expect(maySubscribe('press', '#', ['plant/#'])).toBe(false)
  expect(maySubscribe('press', '$share/g/plant/x', ['plant/#'])).toBe(false)
})

describe('the quota', () => {
  const quota = { messages: 10, bytes: null }

  test('lets through at once what comes within a second, and spreads the rest', async () => {
    const meter = createMeter(manualClock())
    const waits = Array.from({ length: 12 }, () => meter.take(quota, 1))
    expect(waits.slice(0, 10)).toEqual(Array(10).fill(0))
    expect(waits.slice(10)).toEqual([100, 200])
  })

  test('refuses what would have to wait too long, and that does not count', async () => {
    const clock = manualClock()
    const meter = createMeter(clock)
    for (let sent = 0; sent < 110; sent++) expect(meter.take(quota, 1)).toBeDefined()
    for (let more = 0; more < 1_000; more++) expect(meter.take(quota, 1)).toBeUndefined()
    await clock.advance(10_000)
    expect(meter.take(quota, 1)).toBe(100)
  })

  test('counts bytes as well, and nothing without limits', async () => {
    const clock = manualClock()
    const meter = createMeter(clock)
    expect(meter.take({ messages: null, bytes: 1_000 }, 1_000)).toBe(0)
    expect(meter.take({ messages: null, bytes: 1_000 }, 500)).toBe(500)
    expect(meter.take({ messages: null, bytes: null }, 1e9)).toBe(0)
  })
})
