import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Encoding, RegisterType } from './encoding.ts'
import { createSuspicion, type Suspicion } from './suspicion.ts'
import { encode } from './test-encode.ts'

const big = (type: RegisterType): Encoding => ({ type, byteOrder: 'big', wordOrder: 'big' })

/** Readings of values that the device lays down in the order that it has. */
function suspected(type: RegisterType, device: 'big' | 'little', values: readonly number[]): boolean {
  const suspicion = createSuspicion(big(type)) as Suspicion
  const asValue = (value: number) => (type.endsWith('int64') ? BigInt(value) : value)
  return values
    .map((value) => suspicion(encode(asValue(value), { ...big(type), wordOrder: device })))
    .includes(true)
}

const walk = Array.from({ length: 40 }, (_, at) => 20 + Math.sin(at) * 3.7)
const count = Array.from({ length: 10 }, (_, at) => 100 + at)

test.each<[RegisterType, readonly number[]]>([
  ['float32', walk],
  ['float32', [21.5]],
  ['float64', walk],
  ['int32', count],
  ['uint32', count],
  ['int64', count],
  ['uint64', count],
])('a %s in the other order is suspected, in the right one it is not', (type, values) => {
  expect(suspected(type, 'little', values)).toBe(true)
  expect(suspected(type, 'big', values)).toBe(false)
})

test('a plant that runs as plants do is never suspected', () => {
  const plausible = fc.array(
    fc.float({ min: -1e9, max: 1e9, noNaN: true }).map((v) => (Math.abs(v) < 1e-3 ? 0 : v)),
  )
  fc.assert(
    fc.property(plausible, (values) => {
      expect(suspected('float32', 'big', values)).toBe(false)
    }),
  )
  expect(suspected('float32', 'big', [Number.NaN, 3.4028234663852886e38, 20])).toBe(false)
  expect(suspected('int32', 'big', [0, 65_536, 65_536, 0, 65_537])).toBe(false)
})

test('what has one register, and text, is not suspected at all', () => {
  for (const type of ['int16', 'uint16', 'bit', 'string'] as const)
    expect(createSuspicion({ ...big(type), length: 8 })).toBeUndefined()
})
