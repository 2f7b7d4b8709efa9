import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Block, planBlocks, type Span, split } from './blocks.ts'
import { isBitTable, type Table, tables } from './settings.ts'

const at = (address: number, count = 1, table: Table = 'holding', unit = 1): Span => ({
  unit,
  table,
  address,
  count,
})
const spans = (blocks: Block<Span>[]) => blocks.map(({ address, count }) => [address, count])

const spanOf = fc.record({
  unit: fc.integer({ min: 1, max: 2 }),
  table: fc.constantFrom(...tables),
  address: fc.integer({ min: 0, max: 3_000 }),
  count: fc.integer({ min: 1, max: 4 }),
})
const limitsOf = fc.record({
  gap: fc.integer({ min: 0, max: 20 }),
  maxRegisters: fc.integer({ min: 4, max: 125 }),
})

const covers = (block: Span, point: Span) =>
  block.unit === point.unit &&
  block.table === point.table &&
  block.address <= point.address &&
  block.address + block.count >= point.address + point.count

test('every point is read exactly once, by a request within the limits that begins and ends with a point', () => {
  fc.assert(
    fc.property(fc.array(spanOf, { maxLength: 200 }), limitsOf, (points, limits) => {
      const blocks = planBlocks(points, limits)
      expect(new Set(blocks.flatMap((block) => block.points)).size).toBe(points.length)
      expect(blocks.flatMap((block) => block.points)).toHaveLength(points.length)
      for (const block of blocks) {
        expect(block.count).toBeLessThanOrEqual(isBitTable(block.table) ? 2_000 : limits.maxRegisters)
        expect(block.points.every((point) => covers(block, point))).toBe(true)
        expect(block.points[0]?.address).toBe(block.address)
        expect(Math.max(...block.points.map((p) => p.address + p.count))).toBe(block.address + block.count)
      }
    }),
  )
})

test('neighbours are read together over gaps up to the tolerance, and not beyond the limit', () => {
  const limits = { gap: 4, maxRegisters: 10 }
  expect(spans(planBlocks([at(6), at(0, 2)], limits))).toEqual([[0, 7]])
  expect(spans(planBlocks([at(7), at(0, 2)], limits))).toEqual([
    [0, 2],
    [7, 1],
  ])
  expect(spans(planBlocks([at(0, 4), at(4, 4), at(8, 4)], limits))).toEqual([
    [0, 8],
    [8, 4],
  ])
  expect(spans(planBlocks([at(0), at(0, 1, 'input'), at(0, 1, 'holding', 2)], limits))).toHaveLength(3)
})

test('a gap is as wide in bits as in registers', () => {
  const coils = [at(0, 1, 'coil'), at(65, 1, 'coil'), at(200, 1, 'coil')]
  expect(spans(planBlocks(coils, { gap: 4, maxRegisters: 125 }))).toEqual([
    [0, 66],
    [200, 1],
  ])
})

test('cutting ends at single spans, and loses no point', () => {
  fc.assert(
    fc.property(fc.array(spanOf, { minLength: 1, maxLength: 60 }), limitsOf, (points, limits) => {
      const waiting = planBlocks(points, limits)
      const single: Block<Span>[] = []
      for (let block = waiting.pop(); block; block = waiting.pop()) {
        const parts = split(block)
        if (parts) waiting.push(...parts)
        else single.push(block)
      }
      expect(single.flatMap((block) => block.points)).toHaveLength(points.length)
      for (const { points: same, address, count } of single)
        expect(same.every((point) => point.address === address && point.count === count)).toBe(true)
    }),
  )
})

test('a cut goes through the widest gap, else the middle', () => {
  const cut = (points: Span[]) =>
    split(planBlocks(points, { gap: 9, maxRegisters: 125 })[0] as Block<Span>)?.map((b) => b.points.length)
  expect(cut([at(0), at(1), at(2), at(3), at(8)])).toEqual([4, 1])
  expect(cut([at(0), at(1), at(2), at(3)])).toEqual([2, 2])
  expect(cut([at(5), at(5), at(5)])).toBeUndefined()
})
