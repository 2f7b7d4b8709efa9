import { isBitTable, type Table } from './settings.ts'

/** Neighbouring registers, or bits, of one device. */
export interface Span {
  unit: number
  table: Table
  /** The first is 0. */
  address: number
  /** Registers, or bits where the table holds bits. */
  count: number
}

/** What one request reads: for these points, in the order of their addresses. */
export interface Block<P extends Span> extends Span {
  points: readonly P[]
}

export interface BlockLimits {
  /** Registers that may be read along unused. */
  gap: number
  maxRegisters: number
}

/** As the protocol has it; devices do not take more. */
const maxBits = 2_000
const bitsOfRegister = 16

const endOf = ({ address, count }: Span): number => address + count

/** The fewest requests that read all points: neighbours together, over gaps that are small enough. */
export function planBlocks<P extends Span>(points: readonly P[], limits: BlockLimits): Block<P>[] {
  const devices = Map.groupBy(points, ({ unit, table }) => `${unit} ${table}`)
  return [...devices.values()].flatMap((neighbours) => {
    const [first] = neighbours as [P]
    const bits = isBitTable(first.table)
    const max = bits ? maxBits : limits.maxRegisters
    const gap = bits ? limits.gap * bitsOfRegister : limits.gap
    const sorted = neighbours.toSorted((a, b) => a.address - b.address || a.count - b.count)
    const groups: P[][] = []
    let start = 0
    let end = 0
    for (const point of sorted) {
      const group = groups.at(-1)
      const fits = Math.max(end, endOf(point)) - start <= max
      if (group && fits && point.address - end <= gap) group.push(point)
      else {
        groups.push([point])
        start = end = point.address
      }
      end = Math.max(end, endOf(point))
    }
    return groups.map(blockOf)
  })
}

function blockOf<P extends Span>(points: readonly P[]): Block<P> {
  const [{ unit, table, address }] = points as readonly [P]
  return { unit, table, address, count: Math.max(...points.map(endOf)) - address, points }
}

/**
 * Two requests for one that the device refuses: cut at the widest gap, else in the middle. Undefined
 * when all points want the same registers, so that nothing is left to cut.
 */
export function split<P extends Span>(block: Block<P>): [Block<P>, Block<P>] | undefined {
  const { points } = block
  let best: { at: number; gap: number; offCentre: number } | undefined
  let end = block.address
  for (const [at, point] of points.entries()) {
    const before = points[at - 1]
    if (before && (before.address !== point.address || before.count !== point.count)) {
      const cut = { at, gap: Math.max(0, point.address - end), offCentre: Math.abs(at - points.length / 2) }
      if (!best || cut.gap > best.gap || (cut.gap === best.gap && cut.offCentre < best.offCentre)) best = cut
    }
    end = Math.max(end, endOf(point))
  }
  return best && [blockOf(points.slice(0, best.at)), blockOf(points.slice(best.at))]
}
