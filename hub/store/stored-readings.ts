import type { Database } from '../../core/sqlite.ts'
import type { Reading } from '../../protocol/reading.ts'
import { arrivalTable } from './arrival-table.ts'
import { blockTable, smallBlock } from './block-table.ts'
import { createPacking } from './packing.ts'
import { pointTable } from './point-table.ts'
import { type Position, type ReadingFilter, type ReadingPage, readingPage } from './reading-pages.ts'
import { type Entry, readingTable } from './reading-table.ts'
import { createTimeline } from './timeline.ts'

/** Readings by point: those that come singly in rows, those that come together in blocks. */
export interface StoredReadings {
  /** Beside what the point has at those times. `entries` are put in order. */
  add(agentId: string, point: string, entries: Entry[]): void
  /** Each in place of all that its point has at that time. */
  overwrite(agentId: string, readings: readonly Reading[]): void
  page(filter: ReadingFilter, after: Position, limit: number): ReadingPage
  /** One small step of packing rows into blocks; false when there is nothing to do. */
  pack(): boolean
  /** At the end of each transaction that adds or overwrites. */
  save(): void
  /** A transaction has failed. */
  forget(): void
  removeAgent(agentId: string): void
}

/** As many readings of a point as make a block at once. */
const minAtOnce = 16

export function storedReadings(db: Database): StoredReadings {
  const points = pointTable(db)
  const rows = readingTable(db)
  const blocks = blockTable(db)
  const arrivals = arrivalTable(db)
  const timeline = createTimeline({ rows, blocks })
  const packing = createPacking({ rows, blocks, timeline, arrivals })

  function addEntries(point: number, entries: Entry[]): void {
    entries.sort((a, b) => a.time - b.time)
    const [first, last] = [entries[0], entries.at(-1)]
    if (!first || !last) return
    const hasPlace = () => (blocks.next(point, first.time)?.first ?? Number.POSITIVE_INFINITY) > last.time
    const isBlock = entries.length >= minAtOnce && hasPlace()
    if (isBlock) blocks.add(point, arrivals.take(), entries)
    else for (const entry of entries) rows.add(point, arrivals.take(), entry)
    if (!isBlock || entries.length < smallBlock) packing.added(point, entries.length)
  }

  /** Leaves nothing of the point at that time. */
  function clear(point: number, time: number): void {
    rows.removeBetween(point, time, time)
    const block = blocks.next(point, time)
    if (!block || block.first > time) return
    const entries = blocks.entries(point, block)
    const left = entries.filter((entry) => entry.time !== time)
    if (left.length === entries.length) return
    blocks.remove(point, block)
    if (left.length > 0) blocks.add(point, block.arrival, left)
  }

  return {
    add: (agentId, point, entries) => addEntries(points.idOf(agentId, point), entries),
    overwrite(agentId, readings) {
      for (const { point, time, value, quality } of readings) {
        const row = points.idOf(agentId, point)
        clear(row, time)
        rows.add(row, arrivals.take(), { time, value, quality })
        packing.added(row, 1)
      }
    },
    page: (filter, after, limit) => readingPage({ points, timeline }, filter, after, limit),
    pack: packing.step,
    save: arrivals.save,
    forget() {
      points.forget()
      blocks.forget()
      arrivals.forget()
    },
    removeAgent(agentId) {
      for (const table of [rows, blocks, points]) table.removeAgent(agentId)
    },
  }
}
