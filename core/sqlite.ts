import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { EdgeError } from './errors.ts'

export type { Database } from 'better-sqlite3'

export interface DatabaseOptions {
  /** Folder of numbered `NNN-name.sql` files, each applied once, in order, in one transaction. */
  migrations: URL
  /** Bytes; only takes effect when the file is created. */
  pageSize?: number
  /** Further pragmas, set before the first table is made. */
  pragmas?: readonly string[]
}

/** A newer release has written this file. */
export class SchemaTooNew extends EdgeError {
  override readonly name = 'SchemaTooNew'
  readonly code = 'schema_too_new'
  override readonly cure = 'Install the newer release again, or restore the backup taken before the upgrade.'
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
    migrate(db, options.migrations)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function migrate(db: Database.Database, folder: URL): void {
  const dir = fileURLToPath(folder)
  const files = readdirSync(dir)
    .filter((name) => /^\d{3}-.*\.sql$/.test(name))
    .sort()
  const version = db.pragma('user_version', { simple: true }) as number
  if (version > files.length)
    throw new SchemaTooNew(`${db.name} has schema ${version}; this release knows up to ${files.length}`)
  for (const [index, name] of files.entries()) {
    if (index < version) continue
    db.transaction(() => {
      db.exec(readFileSync(join(dir, name), 'utf8'))
      db.pragma(`user_version = ${index + 1}`)
    })()
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
