import type { Database } from '../../../core/sqlite.ts'

/** All of a frame but its body. */
export interface FrameHead {
  position: number
  batches: number
  readings: number
  priority: 0 | 1
  since: number
  unproven: 0 | 1
  /** JSON (see the migration). */
  runs: string
  /** Length of the body. */
  bytes: number
}

export interface FrameRow extends Omit<FrameHead, 'bytes'> {
  body: Uint8Array
}

export interface Count {
  batches: number
  readings: number
}

const head = 'position, batches, readings, priority, since, unproven, runs, length(body) AS bytes'

export function frameTable(db: Database) {
  const insert = db.prepare<FrameRow>(`
    INSERT INTO frame (position, batches, readings, priority, since, unproven, runs, body)
    VALUES (@position, @batches, @readings, @priority, @since, @unproven, @runs, @body)
        ON CONFLICT (position) DO NOTHING`)
  const heads = db.prepare<[number, number], FrameHead>(
    `SELECT ${head} FROM frame WHERE position BETWEEN ? AND ? ORDER BY position`,
  )
  const headAtOrBelow = db.prepare<[number], FrameHead>(
    `SELECT ${head} FROM frame WHERE position <= ? ORDER BY position DESC LIMIT 1`,
  )
  const oldest = db.prepare<[number, 0 | 1], FrameHead>(
    `SELECT ${head} FROM frame WHERE position >= ? AND priority = ? ORDER BY position`,
  )
  const selectBody = db.prepare<[number], { body: Buffer }>('SELECT body FROM frame WHERE position = ?')
  const rewrite = db.prepare<[Uint8Array, number]>(
    'UPDATE frame SET body = ?, unproven = 0 WHERE position = ?',
  )
  const remove = db.prepare<[number]>('DELETE FROM frame WHERE position = ?')
  const countFrom = db.prepare<[number], Count>(`
    SELECT coalesce(sum(batches), 0) AS batches, coalesce(sum(readings), 0) AS readings
      FROM frame WHERE position >= ?`)

  return {
    /** False when it was there already. */
    add: (row: FrameRow): boolean => insert.run(row).changes > 0,
    /** Oldest first, read as far as it is consumed. */
    heads: (from: number, to: number): IterableIterator<FrameHead> => heads.iterate(from, to),
    /** The frame that holds this position, or the last below it. */
    headAtOrBelow: (position: number): FrameHead | undefined => headAtOrBelow.get(position),
    oldest: (from: number, priority: 0 | 1): IterableIterator<FrameHead> => oldest.iterate(from, priority),
    body: (position: number): Buffer | undefined => selectBody.get(position)?.body,
    /** With times that are fixed from here on. */
    rewrite: (position: number, body: Uint8Array): void => void rewrite.run(body, position),
    remove: (position: number): void => void remove.run(position),
    countFrom: (position: number): Count => countFrom.get(position) as Count,
  }
}
