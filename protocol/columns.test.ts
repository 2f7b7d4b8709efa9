import { deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Invalid } from '../core/errors.ts'
import { type Body, decodeBody, encodeBody, type Runs } from './columns.ts'
import type { Reading } from './reading.ts'

const decimal = fc
  .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat({ max: 8 }))
  .map(([digits, scale]) => digits / 10 ** scale)
const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const fields = {
  point: fc.constantFrom('a', 'b', 'c', 'ü'),
  value: fc.oneof(
    fc.integer(),
    fc.oneof(decimal, finite).map((value) => (Object.is(value, -0) ? 0 : value)),
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

/** Batches whose sources are numbered without a gap, as the outbox numbers them. */
const batches: fc.Arbitrary<Runs[]> = fc
  .array(fc.dictionary(fc.constantFrom('line', 'press', 'oven'), fc.array(reading, { maxLength: 40 })), {
    maxLength: 6,
  })
  .map((windows) => {
    const next = new Map<string, number>()
    return windows.map((window) =>
      Object.entries(window).map(([source, readings]) => {
        const first = next.get(source) ?? 1
        next.set(source, first + readings.length)
        return { source, first, readings }
      }),
    )
  })

function aliases() {
  const texts: string[] = []
  return {
    of: (text: string) => (texts.includes(text) ? texts.indexOf(text) : texts.push(text) - 1),
    text: (alias: number) => texts[alias],
  }
}

function roundTrip(body: Body): Body {
  const names = aliases()
  return decodeBody(encodeBody(body, names.of), names.text)
}

test('all batches survive encoding', () => {
  fc.assert(
    fc.property(batches, (batches) => {
      expect(roundTrip({ batches })).toEqual({ batches })
    }),
  )
})

test('decimals, counters and repeated values come back exactly', () => {
  fc.assert(
    fc.property(fc.array(decimal, { minLength: 4, maxLength: 50 }), (values) => {
      const readings = values.map((value, time) => ({ point: 'p', value: value + 0, quality: 0, time }))
      const batches = [[{ source: 's', first: 1, readings }]]
      expect(roundTrip({ batches })).toEqual({ batches })
    }),
  )
})

test('readings whose time is not proven keep the start of the box and its monotonic time', () => {
  fc.assert(
    fc.property(fc.array(reading), unproven, (some, one) => {
      const batches = [[{ source: 's', first: 1, readings: [...some, one, ...some] }]]
      expect(roundTrip({ batches, boot: 'e8c492cc' })).toEqual({ batches, boot: 'e8c492cc' })
    }),
  )
})

test('garbage is Invalid, never another error', () => {
  const names = aliases()
  const runs = [{ source: 's', first: 1, readings: [{ point: 'a', value: 1, quality: 0, time: 5 }] }]
  const whole = encodeBody({ batches: [runs] }, names.of)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: whole.length }), (noise, cut) => {
      try {
        decodeBody(Buffer.concat([whole.subarray(0, cut), noise]), names.text)
      } catch (error) {
        expect(error).toBeInstanceOf(Invalid)
      }
    }),
    { numRuns: 2000 },
  )
})

test('columns of any other content are Invalid, or readings such as there may be', () => {
  const names = aliases()
  const one = (value: Reading['value'], k: number) => ({ point: 'a', value, quality: k % 3, time: k })
  const values = [1.5, 2.25, 3, 4, 'text', 9007199254740993n, null]
  const runs = [{ source: 's', first: 1, readings: values.map(one) }]
  const columns = JSON.parse(inflateRawSync(encodeBody({ batches: [runs] }, names.of)).toString())
  const strange = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('1e999', '-1', '1.5', '[[0]]').map((text) => JSON.parse(text)),
  )
  const key = fc.constantFrom(...Object.keys(columns), 'm', 'b')
  fc.assert(
    fc.property(key, fc.option(fc.nat(7)), strange, (name, at, content) => {
      const changed = structuredClone(columns)
      if (at === null || !Array.isArray(changed[name])) changed[name] = content
      else changed[name][at] = content
      try {
        const { batches } = decodeBody(deflateRawSync(JSON.stringify(changed)), names.text)
        for (const { readings } of batches.flat())
          for (const { point, value, quality, time } of readings) {
            expect([point, typeof quality, Number.isInteger(time)]).toEqual(['a', 'number', true])
            if (typeof value === 'number') expect(value).toSatisfy(Number.isFinite)
          }
      } catch (error) {
        expect(error).toBeInstanceOf(Invalid)
      }
    }),
    { numRuns: 2000 },
  )
})

test('an alias without a text, and numbers beyond what a date or a quality can be, are Invalid', () => {
  const names = aliases()
  const good = { point: 'a', value: 1, quality: 0, time: 5 }
  const encoded = (reading: Reading) =>
    encodeBody({ batches: [[{ source: 's', first: 1, readings: [reading] }]] }, names.of)
  expect(() => decodeBody(encoded(good), () => undefined)).toThrow(Invalid)
  for (const bad of [{ time: 8.65e15 }, { quality: -1 }, { quality: 1e300 }, { value: 2n ** 63n }])
    expect(() => decodeBody(encoded({ ...good, ...bad }), names.text)).toThrow(Invalid)
})
