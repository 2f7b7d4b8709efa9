import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, unfinished } from './write.ts'

const prefix = 'edgeward'
const named = (role: string) => new RegExp(`^${prefix}-${role}-\\d{8}T\\d{9}Z\\.tar\\.age$`)

/** Sorts by time. */
export const backupName = (role: string, now: number): string =>
  `${prefix}-${role}-${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}.tar.age`

/** Another one may be writing to the same folder. */
const abandonedMs = 3_600_000

export interface Keeping {
  role: string
  /** Name of the one that was made just now. */
  made: string
  madeAt: number
  count: number
}

/**
 * Removes all but the newest backups that `backupName` has named, and what killed ones have left; returns
 * what has gone. `made` is the newest whatever the clock has said: those named later are the oldest then.
 */
export async function keepNewest(dir: string, { role, made, madeAt, count }: Keeping): Promise<string[]> {
  const names = (await readdir(dir)).sort()
  const backups = names.filter((name) => named(role).test(name))
  const byAge = [...backups.filter((name) => name > made), ...backups.filter((name) => name <= made)]
  const old = byAge.slice(0, Math.max(0, byAge.length - count))
  for (const name of names) {
    if (!name.endsWith(unfinished) || !named(role).test(name.slice(0, -unfinished.length))) continue
    const { mtimeMs } = await stat(join(dir, name))
    if (Math.abs(madeAt - mtimeMs) > abandonedMs) old.push(name)
  }
  for (const name of old) await rm(join(dir, name), { force: true })
  if (old.length > 0) await syncFolder(dir)
  return old
}
