import type { Database } from '../../core/sqlite.ts'

/** Batches that were never given out and hold readings whose time was not proven at commit. */
export function unprovenTable(db: Database) {
  const insert = db.prepare<[number]>('INSERT INTO unproven (seq) VALUES (?)')
  const select = db.prepare<[number], { seq: number }>('SELECT seq FROM unproven WHERE seq = ?')
  const remove = db.prepare<[number]>('DELETE FROM unproven WHERE seq = ?')

  return {
    add: (seq: number): void => void insert.run(seq),
    has: (seq: number): boolean => select.get(seq) !== undefined,
    remove: (seq: number): void => void remove.run(seq),
  }
}
