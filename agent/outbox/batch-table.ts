import type { Database } from '../../core/sqlite.ts'

export interface BatchRow {
  seq: number
  /** Number of readings. */
  readings: number
  payload: Buffer
}

export interface Tally {
  batches: number
  readings: number
}

export function batchTable(db: Database) {
  const insert = db.prepare<BatchRow>(
    'INSERT INTO batch (seq, readings, payload) VALUES (@seq, @readings, @payload)',
  )
  const selectAbove = db.prepare<[number], BatchRow>(
    'SELECT seq, readings, payload FROM batch WHERE seq > ? ORDER BY seq',
  )
  const selectBetween = db.prepare<[number, number], { seq: number; readings: number }>(
    'SELECT seq, readings FROM batch WHERE seq BETWEEN ? AND ?',
  )
  const tallyFrom = db.prepare<[number], Tally & { last: number | null }>(`
    SELECT max(seq) AS last, count(*) AS batches, coalesce(sum(readings), 0) AS readings
      FROM batch WHERE seq >= ?`)
  const update = db.prepare<Pick<BatchRow, 'seq' | 'payload'>>(
    'UPDATE batch SET payload = @payload WHERE seq = @seq',
  )
  const remove = db.prepare<[number]>('DELETE FROM batch WHERE seq = ?')

  return {
    add: (row: BatchRow): void => void insert.run(row),
    /** Oldest first; read as far as it is consumed. */
    above: (seq: number): IterableIterator<BatchRow> => selectAbove.iterate(seq),
    between: (from: number, to: number): { seq: number; readings: number }[] => selectBetween.all(from, to),
    /** Of the batches from `seq` on; `last` is null when there are none. */
    tallyFrom: (seq: number) => tallyFrom.get(seq) as Tally & { last: number | null },
    replace: (row: Pick<BatchRow, 'seq' | 'payload'>): void => void update.run(row),
    remove: (seq: number): void => void remove.run(seq),
  }
}
