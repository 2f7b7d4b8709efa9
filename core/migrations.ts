import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { EdgeError } from './errors.ts'
import { listOwnFolder, readOwnFile } from './program.ts'

/** A newer release has written this file, and no longer as this one could read it. */
export class SchemaTooNew extends EdgeError {
  override readonly name = 'SchemaTooNew'
  readonly code = 'schema_too_new'
  override readonly cure =
    'Install the newer release again, or put back the copy in before-upgrade/ or a backup from before the upgrade.'
}

/**
 * `NNN-name.sql` adds: a release that knows only those before can still use the file.
 * `NNN-name.contract-MMM.sql` takes away: whoever does not know schema MMM can no longer.
 */
const migrationName = /^(\d{3})-[^.]+(?:\.contract-(\d{3}))?\.sql$/

interface Migration {
  name: string
  /** The oldest schema whose release may use the file from here on; absent: as before. */
  floor?: number
}

/** In order. */
export function listMigrations(folder: URL): Migration[] {
  const found = listOwnFolder(folder).flatMap((name) => {
    const match = migrationName.exec(name)
    if (!match) return []
    return [{ name, number: Number(match[1]), floor: match[2] === undefined ? undefined : Number(match[2]) }]
  })
  return found.map(({ name, number, floor }, index) => {
    if (number !== index + 1) throw new Error(`migration ${name} is not number ${index + 1}`)
    // Else the release before could not take over again.
    if (floor !== undefined && floor >= number) throw new Error(`migration ${name} leaves no way back`)
    return { name, ...(floor === undefined ? {} : { floor }) }
  })
}

export type Warn = (fields: object, message: string) => void

export interface MigrationOptions {
  migrations: URL
  /** Whether what is there is copied beside it before it is changed. */
  copies: boolean
  warn: Warn
}

/**
 * `user_version` is the number of the schema, `application_id` the oldest one whose release may use it.
 * Throws `SchemaTooNew`; a newer file that has only been added to stays as it is.
 */
export function migrate(db: Database, { migrations, copies, warn }: MigrationOptions): void {
  const known = listMigrations(migrations)
  const version = schemaOf(db)
  const floor = db.pragma('application_id', { simple: true }) as number
  if (version > known.length && floor > known.length)
    throw new SchemaTooNew(
      `${db.name} has schema ${version}, for releases that know schema ${floor}; this release knows up to ${known.length}`,
    )
  if (copies && version > 0 && version < known.length) copyBeforeUpgrade(db, version, warn)
  for (const [index, { name, floor }] of known.entries()) {
    if (index < version) continue
    db.transaction(() => {
      db.exec(readOwnFile(new URL(name, migrations)).toString())
      db.pragma(`user_version = ${index + 1}`)
      if (floor !== undefined) db.pragma(`application_id = ${floor}`)
    })()
  }
}

export const schemaOf = (db: Database): number => db.pragma('user_version', { simple: true }) as number

/** What the migration itself, and everybody else, must still find. */
const reservedBytes = 16 * 1024 * 1024

/** A box that cannot keep a copy still has to work, so nothing here stops the upgrade. */
function copyBeforeUpgrade(db: Database, version: number, warn: Warn): void {
  const folder = join(dirname(db.name), 'before-upgrade')
  const stem = basename(db.name, extname(db.name))
  const name = `${stem}-schema${version}.db`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { bavail, bsize } = statfsSync(folder)
    const needed = statSync(db.name).size + sizeIfThere(`${db.name}-wal`) + reservedBytes
    if (bavail * bsize < needed) {
      warn({ path: db.name, needed }, 'no room for a copy of the database before its upgrade')
      return
    }
    const temporary = join(folder, `${name}.new`)
    rmSync(temporary, { force: true })
    closeSync(openSync(temporary, 'wx', 0o600)) // VACUUM INTO takes an empty file, and leaves its mode
    db.prepare('VACUUM INTO ?').run(temporary)
    sync(temporary)
    renameSync(temporary, join(folder, name))
    sync(folder)
    for (const other of readdirSync(folder))
      if (other.startsWith(`${stem}-schema`) && other !== name) rmSync(join(folder, other))
  } catch (err) {
    warn({ err, path: db.name }, 'database not copied before its upgrade')
  }
}

const sizeIfThere = (path: string): number => (existsSync(path) ? statSync(path).size : 0)

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
