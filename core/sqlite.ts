import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { EdgeError } from './errors.ts'
import { migrate, type Warn } from './migrations.ts'

export type { Database } from 'better-sqlite3'
export { SchemaTooNew } from './migrations.ts'

export interface DatabaseOptions {
  /** Folder of numbered `NNN-name.sql` files (migrations.ts), each applied once, in order, in one transaction. */
  migrations: URL
  /** Kept in `before-upgrade/` before a migration changes it, where there is room. Unless told: yes. */
  copiedBeforeUpgrade?: boolean
  /** Is told where no copy could be kept; goes to the log unless set. */
  warn?: Warn
  /** Bytes; only takes effect when the file is created. */
  pageSize?: number
  /** Further pragmas, set before the first table is made. */
  pragmas?: readonly string[]
}

/**
 * Opens a database whose commits survive a power cut (WAL, synchronous=FULL), readable by its owner
 * alone, migrated to the newest schema. Synchronous: belongs in a worker thread.
 */
export function openDatabase(path: string, options: DatabaseOptions): Database.Database {
  const isNew = !existsSync(path)
  const db = new Database(path)
  try {
    if (isNew) chmodSync(path, 0o600)
    if (isNew && options.pageSize) db.pragma(`page_size = ${options.pageSize}`)
    for (const pragma of options.pragmas ?? []) db.pragma(pragma)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    const { migrations, copiedBeforeUpgrade: copies = true, warn = toLog } = options
    migrate(db, { migrations, copies, warn })
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Loaded when it is needed, which is hardly ever: threads have no log of their own. */
const toLog: Warn = (fields, message) =>
  void import('./log.ts').then(({ createLog }) => createLog('warn').warn(fields, message))

/** A consistent copy of a database that its owner has not opened for itself alone; the file must not exist. */
export function copyDatabase(path: string, to: string): void {
  const db = new Database(path, { fileMustExist: true, timeout: 10_000 })
  try {
    closeSync(openSync(to, 'wx', 0o600)) // SQLite takes an empty file, and leaves its mode
    db.prepare('VACUUM INTO ?').run(to)
  } finally {
    db.close()
  }
}

/** A database that exists, as it is: nothing is migrated. */
export const openAsItIs = (path: string): Database.Database => new Database(path, { fileMustExist: true })

/** Puts what is still in the log of a copied database into it, so that it is one file. */
export function foldLog(path: string): void {
  const db = openAsItIs(path)
  try {
    db.pragma('journal_mode = DELETE')
  } finally {
    db.close()
  }
}

export class StateInUse extends EdgeError {
  override readonly name = 'StateInUse'
  readonly code = 'state_in_use'
  override readonly cure = 'Stop the other process, or give this one its own --state-dir.'
}

/**
 * Makes this process the one owner of a state directory, until disposed or dead: the lock is the
 * operating system's, so it is free after kill -9. Throws `StateInUse`.
 */
export function lockState(stateDir: string): Disposable {
  const path = join(stateDir, 'lock.db')
  const db = new Database(path, { timeout: 0 })
  try {
    chmodSync(path, 0o600)
    db.pragma('journal_mode = MEMORY') // nothing is ever written; on a full disk a journal could not be made
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if ((error as { code?: string }).code === 'SQLITE_BUSY')
      throw new StateInUse(`another edgeward process owns ${stateDir}`)
    throw error
  }
  return { [Symbol.dispose]: () => void db.close() }
}
