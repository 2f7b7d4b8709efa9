import type { Database } from '../../core/sqlite.ts'
import type { Range } from '../../protocol/ack.ts'
import { without } from '../ranges.ts'

/** Sets of numbers, each kept as ranges that neither overlap nor touch: one in order is one row. */
export interface RangeTable {
  /** What of a range the set does not hold. */
  missing(set: number, range: Range): Range[]
  add(set: number, range: Range): void
  all(set: number): Range[]
}

type Given = { set: number; from: number; to: number }

export function rangeTable(
  db: Database,
  { table, key }: { table: 'committed' | 'received'; key: 'epoch_id' | 'source_id' },
): RangeTable {
  const selectNear = db.prepare<Given, { first: number; last: number }>(`
    SELECT first, last FROM ${table}
     WHERE ${key} = @set AND first <= @to + 1
       AND first >= coalesce((SELECT max(first) FROM ${table} WHERE ${key} = @set AND first <= @from), @from)
     ORDER BY first`)
  const selectAll = db.prepare<[number], { first: number; last: number }>(
    `SELECT first, last FROM ${table} WHERE ${key} = ? ORDER BY first`,
  )
  const insert = db.prepare<[number, number, number]>(
    `INSERT INTO ${table} (${key}, first, last) VALUES (?, ?, ?)`,
  )
  const extend = db.prepare<[number, number, number]>(
    `UPDATE ${table} SET last = ? WHERE ${key} = ? AND first = ?`,
  )
  const remove = db.prepare<[number, number]>(`DELETE FROM ${table} WHERE ${key} = ? AND first = ?`)

  const near = (set: number, [from, to]: Range) => selectNear.all({ set, from, to })

  return {
    missing: (set, range) =>
      without(
        range,
        near(set, range).map(({ first, last }) => [first, last]),
      ),
    add(set, range) {
      const [from, to] = range
      const touching = near(set, range).filter(({ last }) => last >= from - 1)
      const [one, another] = touching
      if (one && !another && one.first <= from) {
        if (one.last < to) extend.run(to, set, one.first)
        return
      }
      for (const { first } of touching) remove.run(set, first)
      const first = Math.min(from, one?.first ?? from)
      insert.run(set, first, Math.max(to, touching.at(-1)?.last ?? to))
    },
    all: (set) => selectAll.all(set).map(({ first, last }) => [first, last]),
  }
}
