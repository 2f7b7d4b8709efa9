import type { ArrivalTable } from './arrival-table.ts'
import { type Block, type BlockTable, smallBlock } from './block-table.ts'
import type { Entry, ReadingTable } from './reading-table.ts'
import type { Timeline } from './timeline.ts'

export interface PackingDeps {
  rows: ReadingTable
  blocks: BlockTable
  timeline: Timeline
  arrivals: ArrivalTable
}

/** Turns rows, and blocks that are small, into blocks of a good size, a little at a time. */
export interface Packing {
  /** So many of a point came that are in rows or in a small block. */
  added(point: number, count: number): void
  /** At most some thousand readings of one point; false when there is nothing to do. */
  step(): boolean
}

/** A point is packed when so many of its readings are loose. */
const minLoose = 1000
const goodBlock = 1000
/** At least so many in one step, where there are so many. */
const maxStep = 4000
/** More than that only share one time; they stay rows, since a block of them would be written ever again. */
const maxBlock = 8000

/** What is to be written anew. */
interface Segment {
  entries: Entry[]
  blocks: Block[]
  /** All that the point has in this span, both inclusive. */
  from: number
  to: number
  /** Where to look for more; undefined at the end. */
  next: number | undefined
}

export function createPacking({ rows, blocks, timeline, arrivals }: PackingDeps): Packing {
  const loose = new Map(blocks.smallCounts().map(({ point, count }) => [point, count]))
  for (const { point, count } of rows.counts()) loose.set(point, (loose.get(point) ?? 0) + count)
  const due = new Set([...loose].filter(([, count]) => count >= minLoose).map(([point]) => point))
  let current: { point: number; at: number } | undefined

  function step(): boolean {
    const [point] = due
    current ??= point === undefined ? undefined : { point, at: Number.MIN_SAFE_INTEGER }
    if (!current) return false
    const next = pack(current.point, current.at)
    if (next !== undefined) current = { point: current.point, at: next }
    else {
      due.delete(current.point)
      loose.delete(current.point)
      current = undefined
    }
    return true
  }

  /** Returns where to go on. */
  function pack(point: number, at: number): number | undefined {
    const first = Math.min(
      rows.next(point, at) ?? Number.POSITIVE_INFINITY,
      blocks.nextSmall(point, at)?.first ?? Number.POSITIVE_INFINITY,
    )
    if (first === Number.POSITIVE_INFINITY) return undefined
    const around = blocks.next(point, first)
    const from = around && around.first < first ? around.first : first
    if (around && around.first < first && around.readings > maxBlock) return around.last + 1
    const segment = collect(point, from)
    if (segment.entries.length > 0) rewrite(point, segment)
    return segment.next
  }

  function collect(point: number, from: number): Segment {
    const segment: Segment = { entries: [], blocks: [], from, to: from - 1, next: undefined }
    const { entries } = segment
    for (;;) {
      const block = blocks.next(point, segment.to + 1)
      if (!collectRows(point, segment, block ? block.first - 1 : Number.MAX_SAFE_INTEGER)) return segment
      if (!block) return segment
      const late = rows.next(point, block.first) ?? Number.POSITIVE_INFINITY
      const isGood = block.readings >= smallBlock && late > block.last
      if (block.readings > maxBlock || (isGood && (entries.length === 0 || entries.length >= smallBlock))) {
        segment.next = block.last + 1
        return segment
      }
      for (const entry of timeline.within(point, block, block.first)) entries.push(entry)
      segment.blocks.push(block)
      segment.to = block.last
      segment.next = block.last + 1
      if (entries.length >= maxStep) return segment
      segment.next = undefined
    }
  }

  /** False when that was enough for one step. */
  function collectRows(point: number, segment: Segment, to: number): boolean {
    const { entries } = segment
    let groupStart = entries.length
    for (const row of singly(rows.between(point, segment.to + 1, to))) {
      if (entries[groupStart]?.time !== row.time) {
        if (entries.length >= maxStep) {
          segment.to = (entries.at(-1) as Entry).time
          segment.next = row.time
          return false
        }
        groupStart = entries.length
      }
      entries.push(row)
      if (entries.length - groupStart > maxBlock) {
        entries.length = groupStart
        segment.to = row.time - 1
        segment.next = row.time + 1
        return false
      }
    }
    segment.to = to
    return true
  }

  function rewrite(point: number, { entries, blocks: replaced, from, to }: Segment): void {
    const removed = rows.removeBetween(point, from, to)
    if (removed === 0 && replaced.length < 2) return
    for (const block of replaced) blocks.remove(point, block)
    for (let start = 0; start < entries.length; ) {
      const end = endOfBlock(entries, start)
      blocks.add(point, arrivals.take(), entries.slice(start, end))
      start = end
    }
  }

  return {
    added(point, count) {
      const now = (loose.get(point) ?? 0) + count
      loose.set(point, now)
      if (now >= minLoose) due.add(point)
    },
    step,
  }
}

function* singly<T>(some: Iterable<readonly T[]>): Generator<T> {
  for (const items of some) yield* items
}

/** Readings of one time stay together, and no small rest is left. */
function endOfBlock(entries: readonly Entry[], start: number): number {
  let end = start + goodBlock
  while (end < entries.length && entries[end]?.time === entries[end - 1]?.time) end++
  return entries.length - end < smallBlock ? entries.length : end
}
