import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExact } from '../../core/json.ts'
import { dataPointTypes } from '../../protocol/data-source-configuration.ts'
import { isBad, statusCode } from '../../protocol/reading.ts'
import { typed } from './typed.ts'

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 }
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

test('every value either keeps its meaning or is Bad with a reason, whatever the type', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...dataPointTypes), (raw, type) => {
      const { value, quality, reason } = typed(raw, type)
      if (isBad(quality)) {
        expect(value).toBeNull()
        expect(reason).toMatch(/^[a-z_]+$/)
      } else {
        expect(quality).toBe(statusCode.good)
        expect(reason).toBeUndefined()
        expect(value === raw || (raw === 0 && value === 0)).toBe(true)
      }
    }),
    { numRuns: 1000 },
  )
})

test('every 64-bit integer arrives at LONG with all its digits', () => {
  fc.assert(
    fc.property(fc.bigInt(int64), (number) => {
      const { value } = typed((parseExact(`{"n": ${number}}`) as { n: unknown }).n, 'LONG')
      expect(BigInt(value as number | bigint)).toBe(number)
    }),
  )
})

test('every 32-bit integer fits INT, its neighbours outside do not', () => {
  fc.assert(
    fc.property(fc.integer(int32), (number) => {
      expect(typed(number, 'INT').value).toBe(number)
    }),
  )
  expect(typed(int32.max + 1, 'INT')).toMatchObject({ quality: statusCode.badOutOfRange })
  expect(typed(int32.min - 1, 'INT')).toMatchObject({ quality: statusCode.badOutOfRange })
})

test.each([
  ['1.0', 'INT', 1],
  ['1e3', 'INT', 1000],
  ['-0', 'INT', 0],
  ['9223372036854775807', 'LONG', 9223372036854775807n],
  ['-9223372036854775808', 'LONG', -9223372036854775808n],
  ['9007199254740991', 'LONG', 9007199254740991],
  ['18446744073709551616', 'DOUBLE', 2 ** 64],
  ['0.1', 'DOUBLE', 0.1],
  ['false', 'BOOLEAN', false],
  ['"12"', 'STRING', '12'],
] as const)('%s is a good %s', (text, type, value) => {
  expect(typed(parseExact(text), type)).toEqual({ value, quality: statusCode.good })
})

test.each([
  ['1.5', 'INT', 'type_mismatch'],
  ['true', 'INT', 'type_mismatch'],
  ['"12"', 'INT', 'type_mismatch'],
  ['"12"', 'DOUBLE', 'type_mismatch'],
  ['1e400', 'INT', 'out_of_range'],
  ['1e400', 'DOUBLE', 'out_of_range'],
  ['9223372036854775808', 'LONG', 'out_of_range'],
  ['9007199254740993.5', 'LONG', 'out_of_range'],
  ['1e18', 'LONG', 'out_of_range'],
  ['0', 'BOOLEAN', 'type_mismatch'],
  ['12', 'STRING', 'type_mismatch'],
  ['{"value":1}', 'DOUBLE', 'type_mismatch'],
  ['null', 'STRING', 'no_value'],
] as const)('%s is no %s: %s', (text, type, reason) => {
  expect(typed(parseExact(text), type)).toMatchObject({ value: null, reason })
})

test('text is taken up to 255 characters', () => {
  expect(typed('x'.repeat(255), 'STRING')).toMatchObject({ quality: statusCode.good })
  expect(typed('x'.repeat(256), 'STRING')).toMatchObject({ quality: statusCode.badOutOfRange })
})

test('a number of a hundred thousand digits is out of range for every type', () => {
  const raw = parseExact('9'.repeat(100_000))
  for (const type of ['INT', 'LONG', 'DOUBLE'] as const)
    expect(typed(raw, type)).toMatchObject({ reason: 'out_of_range' })
})
