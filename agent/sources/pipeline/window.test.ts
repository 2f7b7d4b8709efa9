import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Stamp, statusCode } from '../../../protocol/reading.ts'
import type { Sample } from '../source.ts'
import { aggregated } from './aggregate.ts'
import type { AggregateFunction } from './schema.ts'
import { expire, feed, finish, nothingSeen, type Window, type WindowState } from './window.ts'

const lengthMs = 10_000
const sample = (value: number | null, stamp: Stamp, quality: number = statusCode.good): Sample => ({
  ...{ point: 'raw', value, quality },
  ...stamp,
})

/** Windows of samples that are read at the very time that they say. */
function watched() {
  let state: WindowState = nothingSeen
  const closed: Window[] = []
  const take = (step: ReturnType<typeof feed>) => {
    state = step.state
    closed.push(...step.closed)
  }
  return {
    closed,
    feed: (time: number, value: number | null = 1, quality?: number, stamp: Stamp = { time }) =>
      take(feed(lengthMs, state, sample(value, stamp, quality), time)),
    expire: (now: number) => take(expire(lengthMs, state, now)),
    finish: () => take(finish(state)),
  }
}

const reading = (name: AggregateFunction, window: Window | undefined) =>
  aggregated({ id: 'made', type: 'DOUBLE', function: name }, window as Window)

test('the functions are those of the samples in the window, whose start is the time', () => {
  const values = fc.array(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((each) => each + 0),
    { minLength: 1, maxLength: 50 },
  )
  fc.assert(
    fc.property(values, (given) => {
      const { closed, feed } = watched()
      for (const [index, value] of given.entries()) feed(20_000 + index * 100, value)
      feed(30_000)
      const mean = given.reduce((sum, each) => sum + each, 0) / given.length
      const squares = given.reduce((sum, each) => sum + (each - mean) ** 2, 0)
      const expected = {
        Average: expect.closeTo(mean, 6),
        Minimum: Math.min(...given),
        Maximum: Math.max(...given),
        Count: given.length,
        StandardDeviation: expect.closeTo(given.length < 2 ? 0 : Math.sqrt(squares / (given.length - 1)), 4),
      }
      for (const [name, value] of Object.entries(expected))
        expect(reading(name as AggregateFunction, closed[0])).toEqual({
          ...{ point: 'made', value, quality: statusCode.good, time: 20_000 },
        })
    }),
  )
})

test('no sample is counted twice, and none is left out unless it comes too late', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(gaps, (given) => {
      const { closed, feed, expire, finish } = watched()
      let now = 1_234
      for (const gap of given) {
        for (let tick = now; tick < now + gap; tick += 1_000) expire(tick)
        now += gap
        feed(now)
      }
      finish()
      expect(closed.reduce((sum, { good }) => sum + good, 0)).toBe(given.length)
      const starts = closed.map(({ stamp }) => stamp.time)
      expect(starts).toEqual(starts.toSorted((a, b) => a - b))
      expect(new Set(starts).size).toBe(starts.length)
      expect(starts.every((start) => start % lengthMs === 0)).toBe(true)
    }),
  )
})

test('a first window that is not watched from its start is Uncertain, the next ones are not', () => {
  const { closed, feed } = watched()
  for (const time of [14_000, 19_000, 20_000, 30_000, 41_000]) feed(time)
  expect(closed.map((window) => reading('Count', window))).toEqual([
    { point: 'made', value: 2, quality: statusCode.uncertain, reason: 'partial_window', time: 10_000 },
    { point: 'made', value: 1, quality: statusCode.good, time: 20_000 },
    { point: 'made', value: 1, quality: statusCode.good, time: 30_000 },
  ])
  const whole = watched()
  whole.feed(20_000)
  whole.feed(30_000)
  expect(reading('Count', whole.closed[0]).quality).toBe(statusCode.good)
})

test('Bad samples do not count, but make the window Uncertain; with none Good it has no value', () => {
  const { closed, feed } = watched()
  feed(20_000, 4)
  feed(21_000, null, statusCode.badNoData)
  feed(22_000, 8)
  feed(30_000, null, statusCode.badNoData)
  feed(40_000, 1)
  feed(50_000, 1)
  expect(closed.map((window) => reading('Average', window))).toMatchObject([
    { value: 6, quality: statusCode.uncertainDataSubNormal, reason: 'not_all_good', time: 20_000 },
    { value: null, quality: statusCode.badNoData, reason: 'no_good_value', time: 30_000 },
    { value: 1, quality: statusCode.good, time: 40_000 },
  ])
})

test('a window is closed without a newer sample, and silence is said once', () => {
  const { closed, feed, expire } = watched()
  feed(20_000, 5)
  expire(30_500)
  expect(closed).toHaveLength(0)
  for (let now = 31_000; now < 300_000; now += 1_000) expire(now)
  expect(closed.map((window) => reading('Average', window))).toMatchObject([
    { value: 5, time: 20_000 },
    { value: null, quality: statusCode.badNoData, time: 30_000 },
  ])
  feed(304_000, 7)
  feed(310_000, 7)
  expect(reading('Average', closed[2])).toMatchObject({ value: 7, quality: statusCode.good, time: 300_000 })
})

test('silence is also told where only the next sample shows it', () => {
  const { closed, feed } = watched()
  feed(20_000)
  feed(70_000)
  feed(80_000)
  expect(closed.map(({ stamp, good }) => [stamp.time, good])).toEqual([
    [20_000, 1],
    [30_000, 0],
    [70_000, 1],
  ])
})

test('a sample that comes late is counted for the grace of a second, then no more', () => {
  const { closed, feed, expire } = watched()
  feed(20_000)
  expire(30_900)
  feed(30_950, 3, undefined, { time: 29_900 })
  expire(31_000)
  feed(31_100, 3, undefined, { time: 29_950 })
  feed(40_000)
  expect(closed.map(({ stamp, good }) => [stamp.time, good])).toEqual([
    [20_000, 2],
    [30_000, 0],
  ])
})

test('while the time is not proven, windows follow the time since the start of the box', () => {
  const { closed, feed } = watched()
  const unproven = (monotonic: number): Stamp => ({ time: 500_000 + monotonic, monotonic })
  feed(20_000, 1, undefined, unproven(20_000))
  feed(23_000, 3, undefined, unproven(23_000))
  feed(30_000, 5, undefined, unproven(30_000))
  // Now it is proven: neither this window nor the one it breaks off was watched whole.
  feed(33_000, 7, undefined, { time: 900_003_000 })
  feed(40_000, 9, undefined, { time: 900_010_000 })
  expect(closed.map((window) => reading('Average', window))).toMatchObject([
    { value: 2, quality: statusCode.good, time: 520_000, monotonic: 20_000 },
    { value: 5, quality: statusCode.uncertain, time: 530_000, monotonic: 30_000 },
    { value: 7, quality: statusCode.uncertain, time: 900_000_000 },
  ])
})

test('a device that sets its clock back begins anew, and says that both windows are not whole', () => {
  const { closed, feed } = watched()
  feed(100_000)
  feed(101_000, 2, undefined, { time: 41_000 })
  feed(110_000, 2, undefined, { time: 50_000 })
  expect(closed.map((window) => reading('Count', window))).toMatchObject([
    { value: 1, quality: statusCode.uncertain, time: 100_000 },
    { value: 1, quality: statusCode.uncertain, time: 40_000 },
  ])
})

test('what is open at the end is sent as the part that it is', () => {
  const { closed, feed, finish } = watched()
  finish()
  expect(closed).toEqual([])
  feed(20_000, 4)
  finish()
  expect(reading('Maximum', closed[0])).toMatchObject({
    value: 4,
    quality: statusCode.uncertain,
    time: 20_000,
  })
})
