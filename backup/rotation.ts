import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from './write.ts'

const prefix = 'edgeward'
const named = (role: string) => new RegExp(`^${prefix}-${role}-\\d{8}T\\d{9}Z\\.tar\\.age$`)

/** Sorts by time. */
export const backupName = (role: string, now: number): string =>
  `${prefix}-${role}-${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}.tar.age`

/** Removes all but the newest backups that `backupName` has named; returns those that have gone. */
export async function keepNewest(dir: string, role: string, count: number): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => named(role).test(name)).sort()
  const old = names.slice(0, Math.max(0, names.length - count))
  for (const name of old) await rm(join(dir, name))
  if (old.length > 0) await syncFolder(dir)
  return old
}
