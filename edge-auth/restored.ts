import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../core/random.ts'
import { type Database, openAsItIs } from '../core/sqlite.ts'

const storeName = 'auth.db'

/** What lies in the state directory, with the folder of its migrations. */
export const edgeAuthDatabases = [
  { name: storeName, migrations: new URL('./store/migrations/', import.meta.url) },
  { name: 'kv.db', migrations: new URL('./kv/migrations/', import.meta.url) },
]

/** Of an auth.db that nobody has open; undefined where there is none, or none that can be read. */
export function boxIdIn(dir: string): string | undefined {
  const path = join(dir, storeName)
  if (!existsSync(path)) return undefined
  let db: Database | undefined
  try {
    db = openAsItIs(path)
    return db.prepare<[], string>(`SELECT value FROM setting WHERE key = 'box_id'`).pluck().get()
  } catch {
    return undefined
  } finally {
    db?.close()
  }
}

/**
 * Ends in an auth.db from a backup what may have been ended since: sessions, tokens of apps, codes that
 * open something once. For another box than it was made on, what makes that one who it is goes, too.
 */
export function prepareRestored(
  { random }: { random: Random },
  dir: string,
  { isOther }: { isOther: boolean },
): void {
  const path = join(dir, storeName)
  if (!existsSync(path)) return
  const db = openAsItIs(path)
  try {
    db.transaction(() => {
      db.prepare<[string]>(
        `INSERT INTO setting (key, value) VALUES ('box_epoch', ?)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      ).run(random.uuid())
      for (const table of ['session', 'reset_code', 'break_glass']) db.exec(`DELETE FROM ${table}`)
      if (!isOther) return
      db.exec(`DELETE FROM setting WHERE key = 'box_id'`)
      for (const table of ['signing_key', 'audit_key', 'audit', 'audit_checkpoint'])
        db.exec(`DELETE FROM ${table}`)
    })()
  } finally {
    db.close()
  }
}
