import type { Database } from '../../core/sqlite.ts'
import type { Value } from '../../protocol/reading.ts'

export interface StoredReading {
  pointId: string
  /** Epoch milliseconds at the source. */
  time: number
  /** An integer beyond 2^53 is decimal text. */
  value: number | string | boolean | null
  /** OPC UA StatusCode, uint32. */
  quality: number
}

/** Where a reading stands among all of its agent: the order in which readings are queried. */
export type Position = readonly [time: number, pointRow: number, n: number]

export interface ReadingFilter {
  agentId: string
  pointId: string | undefined
}

type SqlValue = number | bigint | string | Buffer | null

interface Row {
  pointId: string
  pointRow: number
  time: number
  n: number
  type: 'real' | 'integer' | 'text' | 'blob' | 'null'
  value: SqlValue
  quality: number
}

type PageQuery = { agentId: string; pointId: string | null; limit: number; until: number } & {
  afterTime: number
  afterPoint: number
  afterN: number
}

/** The first span of time that a page looks into, and by how much it widens until the page is full. */
const firstSpanMs = 1000
const widening = 8

export function readingTable(db: Database) {
  const insertFirst = db.prepare<[number, number, SqlValue, number]>(
    'INSERT OR IGNORE INTO reading (point_id, time, n, value, quality) VALUES (?, ?, 0, ?, ?)',
  )
  const insertFurther = db.prepare<{ point: number; time: number; value: SqlValue; quality: number }>(`
    INSERT INTO reading (point_id, time, n, value, quality)
    SELECT @point, @time, max(n) + 1, @value, @quality
      FROM reading WHERE point_id = @point AND time = @time`)
  const selectPage = db.prepare<PageQuery, Row>(`
    SELECT point.point AS pointId, point.id AS pointRow, time, n, typeof(value) AS type, quality,
           CASE typeof(value) WHEN 'integer' THEN CAST(value AS TEXT) ELSE value END AS value
      FROM point CROSS JOIN reading ON reading.point_id = point.id
     WHERE agent = @agentId AND (@pointId IS NULL OR point.point = @pointId)
       AND time >= @afterTime AND time < @until
       AND (time, point.id, n) > (@afterTime, @afterPoint, @afterN)
     ORDER BY time, point.id, n LIMIT @limit`)
  const selectExtent = db.prepare<
    { agentId: string; pointId: string | null; from: number },
    { earliest: number | null; latest: number | null }
  >(`
    SELECT min((SELECT min(time) FROM reading WHERE point_id = point.id AND time >= @from)) AS earliest,
           max((SELECT max(time) FROM reading WHERE point_id = point.id)) AS latest
      FROM point WHERE agent = @agentId AND (@pointId IS NULL OR point.point = @pointId)`)
  const remove = db.prepare<[string]>(
    'DELETE FROM reading WHERE point_id IN (SELECT id FROM point WHERE agent = ?)',
  )

  const removeAt = db.prepare<[number, number]>('DELETE FROM reading WHERE point_id = ? AND time = ?')

  return {
    /** In place of all that the point has at that time. */
    overwrite(pointRow: number, time: number, value: Value, quality: number): void {
      removeAt.run(pointRow, time)
      insertFirst.run(pointRow, time, toSql(value), quality)
    },
    /** Beside what the point has at that time. */
    add(pointRow: number, time: number, value: Value, quality: number): void {
      const stored = toSql(value)
      if (insertFirst.run(pointRow, time, stored, quality).changes > 0) return
      insertFurther.run({ point: pointRow, time, value: stored, quality })
    },

    /**
     * Readings behind a position, by time, then point. Rows are in order within each point only, so a
     * page sorts; it looks into a widening span of time, so that it need not sort all that follows.
     */
    page(filter: ReadingFilter, after: Position, limit: number): { reading: StoredReading; at: Position }[] {
      const pointId = filter.pointId ?? null
      const [afterTime, afterPoint, afterN] = after
      const extent = selectExtent.get({ agentId: filter.agentId, pointId, from: afterTime })
      if (typeof extent?.earliest !== 'number' || extent.latest === null) return []
      for (let span = firstSpanMs; ; span *= widening) {
        const until = extent.earliest + span
        const rows = selectPage.all({ ...filter, pointId, afterTime, afterPoint, afterN, until, limit })
        if (rows.length >= limit || until > extent.latest)
          return rows.map((row) => ({ reading: toReading(row), at: [row.time, row.pointRow, row.n] }))
      }
    },

    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}

const toSql = (value: Value): SqlValue => (typeof value === 'boolean' ? Buffer.of(Number(value)) : value)

function toReading({ pointId, time, type, value, quality }: Row): StoredReading {
  return { pointId, time, value: fromSql(type, value), quality }
}

function fromSql(type: Row['type'], value: SqlValue): StoredReading['value'] {
  if (type === 'blob') return (value as Buffer)[0] === 1
  if (type !== 'integer') return value as number | string | null
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : (value as string)
}
