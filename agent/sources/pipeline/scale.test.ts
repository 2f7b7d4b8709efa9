import fc from 'fast-check'
import { expect, test } from 'vitest'
import { statusCode } from '../../../protocol/reading.ts'
import { scaled, scalingOf } from './scale.ts'

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true })
const sample = (value: number | bigint | string | null, quality: number = statusCode.good) => ({
  ...{ point: 'p', value, quality, time: 1 },
})

test('with a decimal factor the result is the decimal number that a person would write', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
      fc.integer({ min: 0, max: 6 }),
      (raw, decimals) => {
        expect(scalingOf({ factor: Number(`1e-${decimals}`) })(raw)).toBe(Number(`${raw}e-${decimals}`) + 0)
      },
    ),
  )
  expect(scalingOf({ factor: 0.1 })(3)).toBe(0.3)
  expect(scalingOf({ factor: 0.1, offset: -273.15 })(3_000)).toBe(26.85)
})

test('factor and offset can be undone', () => {
  const factor = fc.oneof(
    fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
    fc.constantFrom(0.1, -0.25, 3, 1e-3),
  )
  fc.assert(
    fc.property(finite, factor, finite, (raw, by, offset) => {
      const back = (scalingOf({ factor: by, offset })(raw) - offset) / by
      const tolerance = 1e-9 * (Math.abs(raw) + Math.abs(offset / by) + 1)
      expect(Math.abs(back - raw)).toBeLessThanOrEqual(tolerance)
    }),
  )
})

test('ranges meet at both ends, exactly, and scaling back gives the value again', () => {
  const range = fc
    .tuple(finite, finite)
    .filter(([low, high]) => Math.abs(high - low) > 1e-2)
    .map(([low, high]): [number, number] => [low, high])
  fc.assert(
    fc.property(range, range, fc.double({ min: 0, max: 1, noNaN: true }), (from, to, part) => {
      const there = scalingOf({ from, to })
      const back = scalingOf({ from: to, to: from })
      expect(there(from[0])).toBe(to[0] + 0)
      expect(there(from[1])).toBe(to[1])
      const raw = from[0] + part * (from[1] - from[0])
      const error = (1e-6 * Math.abs(from[1] - from[0])) / Math.min(1, Math.abs(to[1] - to[0]))
      expect(Math.abs(back(there(raw)) - raw)).toBeLessThanOrEqual(error)
    }),
  )
})

test('4 … 20 mA become 0 … 100, beyond which only clamp keeps', () => {
  const open = scalingOf({ from: [4, 20], to: [0, 100] })
  const clamped = scalingOf({ from: [4, 20], to: [0, 100], clamp: true })
  expect([3.2, 4, 12, 20, 21.6].map(open)).toEqual(
    [-5, 0, 50, 100, 110].map((each) => expect.closeTo(each, 9)),
  )
  expect([3.2, 4, 12, 20, 21.6].map(clamped)).toEqual([0, 0, 50, 100, 100])
  const reversed = scalingOf({ from: [20, 4], to: [0, 100], clamp: true })
  expect([3, 4, 12, 20, 22].map(reversed)).toEqual([100, 100, 50, 0, 0])
})

test('INT and LONG are rounded half away from zero, and are Bad beyond their range', () => {
  const tenth = scalingOf({ factor: 0.1 })
  const ints = [24, 25, 26, -24, -25, -26].map((raw) => scaled(sample(raw), tenth, 'INT').value)
  expect(ints).toEqual([2, 3, 3, -2, -3, -3])
  expect(scaled(sample(-4), tenth, 'INT').value).toBe(0) // and no negative zero
  expect(scaled(sample(1e8), scalingOf({ factor: 100 }), 'INT')).toMatchObject({
    value: null,
    quality: statusCode.badOutOfRange,
    reason: 'out_of_range',
  })
  expect(scaled(sample(123n), scalingOf({ factor: 2 }), 'LONG').value).toBe(246)
})

test('what is no number, or Bad, stays what it is; an Uncertain number is scaled and stays Uncertain', () => {
  const double = scalingOf({ factor: 2 })
  const bad = { ...sample(null, statusCode.badNoData), reason: 'no_value' }
  expect(scaled(bad, double, 'DOUBLE')).toBe(bad)
  expect(scaled(sample('x'), double, 'DOUBLE')).toEqual(sample('x'))
  const doubtful = { ...sample(2, statusCode.uncertain), reason: 'no_source_time' }
  expect(scaled(doubtful, double, 'INT')).toEqual({ ...doubtful, value: 4 })
})
