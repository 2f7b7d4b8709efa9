import type { Database } from '../../core/sqlite.ts'
import { decodeBlock, encodeBlock } from './block.ts'
import type { Entry } from './reading-table.ts'

export interface BlockSpan {
  first: number
  last: number
}

export interface Block extends BlockSpan {
  /** Readings of the same time outside came before it or behind it, as theirs says. */
  arrival: number
  readings: number
}

/** Columns of one point's readings. Those of a point do not overlap, and are in order. */
export interface BlockTable {
  /** By time; nothing of the point may have a block in that span. */
  add(point: number, arrival: number, entries: readonly Entry[]): void
  /** The first block that ends at a time or later. */
  next(point: number, time: number): Block | undefined
  /** The first small block that begins at a time or later. */
  nextSmall(point: number, time: number): Block | undefined
  /** How many readings each point has in small blocks. */
  smallCounts(): { point: number; count: number }[]
  entries(point: number, block: BlockSpan): readonly Entry[]
  remove(point: number, block: BlockSpan): void
  /** What has been read is no longer held, for what is stored may differ. */
  forget(): void
  removeAgent(agentId: string): void
}

/** Smaller ones are packed together. */
export const smallBlock = 500
/** So many readings of blocks are held in memory: the next page asks for much of what this one did. */
const maxHeld = 300_000

const columns = 'first_time AS first, last_time AS last, arrival, readings'

export function blockTable(db: Database): BlockTable {
  const insert = db.prepare<[number, number, number, number, number, Buffer]>(`
    INSERT INTO block (point_id, first_time, last_time, arrival, readings, columns) VALUES (?, ?, ?, ?, ?, ?)`)
  const selectBefore = db.prepare<[number, number], Block>(`
    SELECT ${columns} FROM block WHERE point_id = ? AND first_time < ? ORDER BY first_time DESC LIMIT 1`)
  const selectFrom = db.prepare<[number, number], Block>(`
    SELECT ${columns} FROM block WHERE point_id = ? AND first_time >= ? ORDER BY first_time LIMIT 1`)
  const selectSmall = db.prepare<[number, number], Block>(`
    SELECT ${columns} FROM block INDEXED BY small_block
     WHERE point_id = ? AND first_time >= ? AND readings < ${smallBlock} ORDER BY first_time LIMIT 1`)
  const selectSmallCounts = db.prepare<[], { point: number; count: number }>(`
    SELECT point_id AS point, sum(readings) AS count FROM block WHERE readings < ${smallBlock} GROUP BY point_id`)
  const selectColumns = db
    .prepare<[number, number], Buffer>('SELECT columns FROM block WHERE point_id = ? AND first_time = ?')
    .pluck()
  const remove = db.prepare<[number, number]>('DELETE FROM block WHERE point_id = ? AND first_time = ?')
  const removeOf = db.prepare<[string]>(
    'DELETE FROM block WHERE point_id IN (SELECT id FROM point WHERE agent = ?)',
  )
  const held = heldEntries()

  return {
    add(point, arrival, entries) {
      const [first, last] = [entries[0] as Entry, entries.at(-1) as Entry]
      insert.run(point, first.time, last.time, arrival, entries.length, encodeBlock(entries))
      held.remove(point, first.time)
    },
    next(point, time) {
      const before = selectBefore.get(point, time)
      return before && before.last >= time ? before : selectFrom.get(point, time)
    },
    nextSmall: (point, time) => selectSmall.get(point, time),
    smallCounts: () => selectSmallCounts.all(),
    entries: (point, { first }) =>
      held.get(point, first, () => decodeBlock(selectColumns.get(point, first) as Buffer)),
    remove(point, { first }) {
      remove.run(point, first)
      held.remove(point, first)
    },
    forget: held.clear,
    removeAgent(agentId) {
      removeOf.run(agentId)
      held.clear()
    },
  }
}

/** Those read last, by point and first time. */
function heldEntries() {
  const held = new Map<string, readonly Entry[]>()
  let count = 0
  const keyOf = (point: number, first: number) => `${point} ${first}`
  const drop = (key: string): void => {
    count -= held.get(key)?.length ?? 0
    held.delete(key)
  }
  return {
    get(point: number, first: number, read: () => Entry[]): readonly Entry[] {
      const key = keyOf(point, first)
      const entries = held.get(key) ?? read()
      drop(key)
      held.set(key, entries)
      count += entries.length
      for (const oldest of held.keys()) {
        if (count <= maxHeld) break
        drop(oldest)
      }
      return entries
    },
    remove: (point: number, first: number): void => drop(keyOf(point, first)),
    clear(): void {
      held.clear()
      count = 0
    },
  }
}
