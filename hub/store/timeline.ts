import type { Block, BlockTable } from './block-table.ts'
import type { Entry, ReadingTable, Row } from './reading-table.ts'

/** All readings of one point, in rows as well as in blocks, by time and among equals as they arrived. */
export interface Timeline {
  /** From a time on, inclusive, some at a time. */
  from(point: number, time: number): Generator<readonly Entry[]>
  /** What is in a block, and the rows that came late for its span, from a time on. */
  within(point: number, block: Block, time: number): readonly Entry[]
}

export function createTimeline({ rows, blocks }: { rows: ReadingTable; blocks: BlockTable }): Timeline {
  function within(point: number, block: Block, time: number): readonly Entry[] {
    const packed = blocks.entries(point, block)
    const wanted = time <= block.first ? packed : packed.slice(firstFrom(packed, time))
    const late = [...rows.between(point, Math.max(time, block.first), block.last)].flat()
    return late.length === 0 ? wanted : inOrder(wanted, block.arrival, late)
  }

  return {
    within,
    *from(point, time) {
      let at = time
      for (;;) {
        const block = blocks.next(point, at)
        yield* rows.between(point, at, block ? block.first - 1 : Number.MAX_SAFE_INTEGER)
        if (!block) return
        yield within(point, block, at)
        at = block.last + 1
      }
    },
  }
}

function firstFrom(entries: readonly Entry[], time: number): number {
  const at = entries.findIndex((entry) => entry.time >= time)
  return at < 0 ? entries.length : at
}

function inOrder(packed: readonly Entry[], packedAt: number, late: readonly Row[]): Entry[] {
  const all: Entry[] = []
  let next = 0
  for (const entry of packed) {
    for (let row = late[next]; row; row = late[++next]) {
      if (row.time > entry.time || (row.time === entry.time && row.arrival > packedAt)) break
      all.push(row)
    }
    all.push(entry)
  }
  for (; next < late.length; next++) all.push(late[next] as Row)
  return all
}
