import { expect, test } from 'vitest'
import { statusCode } from '../../../protocol/reading.ts'
import { planBlocks } from './blocks.ts'
import { devicePoint, samplesOf } from './points.ts'
import type { PointSettings, SourceSettings } from './settings.ts'
import type { Given } from './test-field.ts'

const source: SourceSettings = { address: '10.0.0.5', unit: 3, wordOrder: 'little' }
const points = (given: readonly Given[]) =>
  given.map(([type, custom], at) => devicePoint({ id: `p${at}`, type, custom }, source))

/** What the answer to the one request that reads all of them says. */
function samples(given: readonly Given[], hex: string) {
  const [block, ...more] = planBlocks(points(given), { gap: 4, maxRegisters: 125 })
  expect(more).toEqual([])
  return samplesOf(block as NonNullable<typeof block>, Buffer.from(hex, 'hex'), { time: 7 })
}

test('each point finds its registers in the answer, in the order of the source or its own', () => {
  const at = (custom: Omit<PointSettings, 'table'>): PointSettings => ({ table: 'input', ...custom })
  const found = samples(
    [
      ['LONG', at({ address: 3, type: 'uint32' })],
      ['LONG', at({ address: 3, type: 'uint32', wordOrder: 'big' })],
      ['INT', at({ address: 1, type: 'int16' })],
      ['BOOLEAN', at({ address: 1, type: 'bit', bit: 15 })],
      ['STRING', at({ address: 5, type: 'string', length: 3 })],
    ],
    'fffe 0000 0002 0001 4142 4344'.replaceAll(' ', ''),
  )
  expect(Object.fromEntries(found.map(({ point, value }) => [point, value]))).toEqual({
    ...{ p0: 0x00010002, p1: 0x00020001, p2: -2, p3: true, p4: 'ABC' },
  })
  expect(found.every(({ time, quality }) => time === 7 && quality === 0)).toBe(true)
})

test('bits come eight to a byte, the first the lowest', () => {
  const coil = (address: number): Given => ['BOOLEAN', { table: 'coil', address }]
  const found = samples([coil(10), coil(11), coil(19), coil(18)], '0102')
  expect(found.map(({ point, value }) => [point, value])).toEqual([
    ['p0', true],
    ['p1', false],
    ['p3', false],
    ['p2', true],
  ])
})

test('what is probably in the other order is not Good, and says why', () => {
  const float: Given[] = [['DOUBLE', { table: 'holding', address: 0, type: 'float32' }]]
  const [sample] = samples(float, '41ac0000') // 21.5 with the highest register first
  expect(sample).toMatchObject({ quality: statusCode.uncertain, reason: 'word_order_suspected' })
  const [good] = samples(float, '000041ac')
  expect(good).toMatchObject({ value: 21.5, quality: statusCode.good })
})

test('what a type cannot take is Bad, never dropped', () => {
  const big: Given[] = [['LONG', { table: 'holding', address: 0, type: 'uint64', wordOrder: 'big' }]]
  expect(samples(big, 'ffffffffffffffff')[0]).toMatchObject({ value: null, reason: 'out_of_range' })
  const float: Given[] = [['DOUBLE', { table: 'holding', address: 0, type: 'float32', wordOrder: 'big' }]]
  expect(samples(float, '7fc00000')[0]).toMatchObject({ value: null, reason: 'out_of_range' })
})
