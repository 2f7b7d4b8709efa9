import { statSync } from 'node:fs'
import { type Database, openDatabase } from '../../../core/sqlite.ts'

export const pageBytes = 512
/** Page, and its header in the log. */
const logFrameBytes = pageBytes + 24
const checkpointPages = 8000
const logBytes = checkpointPages * logFrameBytes
/** The log may pass its checkpoint by one transaction. */
export const maxLogBytes = logBytes + 1_000_000

/** Small pages and a long write-ahead log that is reused in place: the fewest bytes per commit. */
export function openFile(path: string): Database {
  const db = openDatabase(path, {
    migrations: new URL('../migrations/', import.meta.url),
    copiedBeforeUpgrade: false, // what waits in it is of use for a while only, and may be most of the disk
    pageSize: pageBytes,
    pragmas: ['auto_vacuum = INCREMENTAL'],
  })
  db.pragma('synchronous = NORMAL') // see log-sync.ts
  db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
  db.pragma(`journal_size_limit = ${logBytes + 100_000}`)
  return db
}

/**
 * Makes the log as long as it will become: a log that grows costs the file system's journal with each
 * commit. What does not fit into the cache is written there before the transaction ends, so one that is
 * rolled back is enough: nothing of it is read again, and the database itself does not grow. Not done at
 * open, which it would hold up.
 */
export function growLog(db: Database): void {
  if (sizeOf(`${db.name}-wal`) >= logBytes) return
  const cache = db.pragma('cache_size', { simple: true }) as number
  db.pragma('wal_checkpoint(RESTART)')
  db.pragma('cache_size = 10')
  try {
    db.exec('BEGIN IMMEDIATE')
    db.exec('CREATE TABLE padding (content BLOB)')
    db.prepare('INSERT INTO padding VALUES (zeroblob(?))').run(logBytes)
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error // it grows as it is used, then
  } finally {
    if (db.inTransaction) db.exec('ROLLBACK')
    db.pragma(`cache_size = ${cache}`)
  }
}

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
