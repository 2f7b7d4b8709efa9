import type { Database } from '../../core/sqlite.ts'
import type { Value } from '../../protocol/reading.ts'

/** A reading as it is stored, without its point. */
export interface Entry {
  /** Epoch milliseconds at the source. */
  time: number
  value: Value
  /** OPC UA StatusCode, uint32. */
  quality: number
}

export interface Row extends Entry {
  arrival: number
}

type SqlValue = number | bigint | string | Buffer | null
type SqlRow = [time: number, arrival: number, type: string, value: SqlValue, quality: number]

/** Readings that are in no block yet, a row for each. */
export interface ReadingTable {
  add(point: number, arrival: number, entry: Entry): void
  /** By time, then arrival, some at a time; both times inclusive. */
  between(point: number, from: number, to: number): Generator<Row[]>
  /** The earliest time from `from` on. */
  next(point: number, from: number): number | undefined
  removeBetween(point: number, from: number, to: number): number
  /** How many rows each point has. */
  counts(): { point: number; count: number }[]
  removeAgent(agentId: string): void
}

/** Many points may be asked for a little each. */
const firstFetch = 64
const furtherFetch = 1000

export function readingTable(db: Database): ReadingTable {
  const insert = db.prepare<[number, number, number, SqlValue, number]>(
    'INSERT INTO reading (point_id, time, arrival, value, quality) VALUES (?, ?, ?, ?, ?)',
  )
  const selectBetween = db
    .prepare<[number, number, number, number, number], SqlRow>(`
    SELECT time, arrival, typeof(value),
           CASE typeof(value) WHEN 'integer' THEN CAST(value AS TEXT) ELSE value END, quality
      FROM reading WHERE point_id = ? AND (time, arrival) > (?, ?) AND time <= ? ORDER BY time, arrival LIMIT ?`)
    .raw()
  const selectNext = db.prepare<[number, number], { time: number | null }>(
    'SELECT min(time) AS time FROM reading WHERE point_id = ? AND time >= ?',
  )
  const removeBetween = db.prepare<[number, number, number]>(
    'DELETE FROM reading WHERE point_id = ? AND time >= ? AND time <= ?',
  )
  const selectCounts = db.prepare<[], { point: number; count: number }>(
    'SELECT point_id AS point, count(*) AS count FROM reading GROUP BY point_id',
  )
  const remove = db.prepare<[string]>(
    'DELETE FROM reading WHERE point_id IN (SELECT id FROM point WHERE agent = ?)',
  )

  function* between(point: number, from: number, to: number): Generator<Row[]> {
    let [time, arrival] = [from, 0]
    for (let size = firstFetch; ; size = furtherFetch) {
      const rows = selectBetween.all(point, time, arrival, to, size).map(toRow)
      const last = rows.at(-1)
      if (!last) return
      yield rows
      if (rows.length < size) return
      time = last.time
      arrival = last.arrival
    }
  }

  return {
    add: (point, arrival, { time, value, quality }) =>
      void insert.run(point, time, arrival, toSql(value), quality),
    between,
    next: (point, from) => selectNext.get(point, from)?.time ?? undefined,
    removeBetween: (point, from, to) => removeBetween.run(point, from, to).changes,
    counts: () => selectCounts.all(),
    removeAgent: (agentId) => void remove.run(agentId),
  }
}

function toSql(value: Value): SqlValue {
  if (typeof value === 'boolean') return Buffer.of(Number(value))
  return value === 0 ? 0 : value // blocks know no -0 either
}

const toRow = ([time, arrival, type, value, quality]: SqlRow): Row => ({
  time,
  arrival,
  value: fromSql(type, value),
  quality,
})

function fromSql(type: string, value: SqlValue): Value {
  if (type === 'blob') return (value as Buffer)[0] === 1
  return type === 'integer' ? BigInt(value as string) : (value as Value)
}
