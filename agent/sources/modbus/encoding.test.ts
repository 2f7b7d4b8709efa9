import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decode,
  type Encoding,
  type Order,
  orders,
  type RegisterType,
  registersOf,
  registerTypes,
} from './encoding.ts'
import { encode } from './test-encode.ts'

const order = fc.constantFrom<Order>(...orders)
const values: Record<RegisterType, fc.Arbitrary<number | bigint | boolean | string>> = {
  int16: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  uint16: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  float32: fc.float({ noNaN: true }),
  float64: fc.double({ noNaN: true }),
  bit: fc.boolean(),
  string: fc.string({ maxLength: 20 }).filter((text) => !text.includes('\0') && text.trimEnd() === text),
}

const cases = fc.constantFrom(...registerTypes).chain((type) =>
  fc.record({
    value: values[type],
    encoding: fc.record({
      type: fc.constant(type),
      byteOrder: order,
      wordOrder: order,
      bit: fc.integer({ min: 0, max: 15 }),
      length: fc.constant(20),
    }),
  }),
)

test('what a device lays into registers is read as it is, in every type and order', () => {
  fc.assert(
    fc.property(cases, ({ value, encoding }) => {
      const read = decode(encode(value, encoding), encoding)
      // 21.3 of a float32 is told as 21.3, which is the same float32.
      if (encoding.type === 'float32') expect(Math.fround(read as number)).toBe(value)
      else expect(read).toBe(value)
    }),
    { numRuns: 2_000 },
  )
})

test('any bytes are a value of every type, and reading does not change them', () => {
  fc.assert(
    fc.property(cases, fc.uint8Array({ minLength: 250, maxLength: 250 }), ({ encoding }, bytes) => {
      const own = bytes.slice(0, registersOf(encoding) * 2)
      const before = own.slice()
      const value = decode(own, encoding)
      expect(['number', 'bigint', 'boolean', 'string']).toContain(typeof value)
      expect(own).toEqual(before)
    }),
    { numRuns: 2_000 },
  )
})

test('a float32 is told with the digits that the device means', () => {
  const big: Encoding = { type: 'float32', byteOrder: 'big', wordOrder: 'big' }
  for (const value of [21.3, -0.1, 1.5e-7, 3.25e12, 16_777_216, 0.33333334])
    expect(decode(encode(value, big), big)).toBe(value)
})

test('the four orders of 12345678 as a manual shows them', () => {
  const at = (hex: string, byteOrder: Order, wordOrder: Order) =>
    decode(Buffer.from(hex, 'hex'), { type: 'uint32', byteOrder, wordOrder })
  expect(at('12345678', 'big', 'big')).toBe(0x12345678)
  expect(at('56781234', 'big', 'little')).toBe(0x12345678)
  expect(at('34127856', 'little', 'big')).toBe(0x12345678)
  expect(at('78563412', 'little', 'little')).toBe(0x12345678)
})

test('text ends at the first NUL, without blanks; what is not UTF-8 is Latin-1', () => {
  const as = (hex: string, length: number) =>
    decode(Buffer.from(hex, 'hex'), { type: 'string', byteOrder: 'big', wordOrder: 'big', length })
  expect(as('50756d7020000000', 8)).toBe('Pump')
  expect(as('c2b04300', 4)).toBe('°C')
  expect(as('b04300ff', 4)).toBe('°C')
  expect(as('41424344', 3)).toBe('ABC')
})
