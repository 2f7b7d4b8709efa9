import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Invalid } from '../core/errors.ts'
import { decodeBatch, decodeBatchName, encodeBatch } from './batch.ts'
import type { Reading } from './reading.ts'

const fields = {
  point: fc.string({ minLength: 1, maxLength: 36 }),
  value: fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
  ),
  quality: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffffffff })),
  time: fc.integer({ min: 0, max: 4e12 }),
}
const reading: fc.Arbitrary<Reading> = fc.record(fields)
const unproven: fc.Arbitrary<Reading> = fc.record({ ...fields, monotonic: fc.nat() })

test('every batch survives encoding', () => {
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 200 }), fc.nat(), (readings, seq) => {
      const batch = { epoch: '00ff00ff00ff00ff', seq, readings }
      expect(decodeBatch(encodeBatch(batch))).toEqual(batch)
    }),
  )
})

test('readings whose time is not proven keep the start of the box and its monotonic time', () => {
  fc.assert(
    fc.property(fc.array(reading), unproven, fc.array(reading), (before, one, after) => {
      const readings = [...before, one, ...after]
      const batch = { epoch: '00ff00ff00ff00ff', seq: 1, readings, boot: 'e8c492cc' }
      expect(decodeBatch(encodeBatch(batch))).toEqual(batch)
    }),
  )
})

test('garbage is Invalid, never another error', () => {
  const whole = encodeBatch({
    epoch: '0123456789abcdef',
    seq: 7,
    readings: [{ point: 'a', value: 1, quality: 0, time: 5 }],
  })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: whole.length }), (noise, cut) => {
      const payload = Buffer.concat([whole.subarray(0, cut), noise])
      try {
        decodeBatch(payload)
      } catch (error) {
        expect(error).toBeInstanceOf(Invalid)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a batch whose body is broken can still be named', () => {
  const whole = encodeBatch({ epoch: '0123456789abcdef', seq: 7, readings: [] })
  expect(decodeBatchName(whole.subarray(0, 17))).toEqual({ epoch: '0123456789abcdef', seq: 7 })
  expect(() => decodeBatch(whole.subarray(0, 17))).toThrow(Invalid)
})

test('numbers beyond what a date, a quality or a 64-bit integer can be are Invalid', () => {
  const good = { point: 'a', value: 1, quality: 0, time: 5 }
  for (const bad of [{ time: 8.65e15 }, { quality: -1 }, { quality: 1e300 }, { value: 2n ** 63n }]) {
    const readings = [{ ...good, ...bad }]
    expect(() => decodeBatch(encodeBatch({ epoch: '0123456789abcdef', seq: 7, readings }))).toThrow(Invalid)
  }
})
