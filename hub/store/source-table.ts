import type { Database } from '../../core/sqlite.ts'

/** The sources of an epoch, each of which numbers its readings. */
export function sourceTable(db: Database) {
  const insert = db.prepare<[number, string]>('INSERT INTO source (epoch_id, source) VALUES (?, ?)')
  const select = db.prepare<[number, string], { id: number }>(
    'SELECT id FROM source WHERE epoch_id = ? AND source = ?',
  )
  return {
    /** Made when it is new. */
    idOf: (epochId: number, source: string): number =>
      select.get(epochId, source)?.id ?? Number(insert.run(epochId, source).lastInsertRowid),
  }
}
