import { existsSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { type StateKind, sizeOfState } from '../../backup/index.ts'
import { schemaOf } from '../../core/migrations.ts'
import { openAsItIs, openDatabase } from '../../core/sqlite.ts'
import type { Places } from '../../main.ts'
import { becomeOwner } from '../places.ts'
import { type Snapshot, SnapshotUnknown, takeSnapshot } from '../state/snapshot.ts'
import type { Step } from './step.ts'

/** What may be copied of what is large and of use for a while only. */
const mostOnDemandBytes = 512 * 1024 * 1024
/** Left to others. */
const reservedBytes = 64 * 1024 * 1024

/** Each database is migrated, on a copy: the state itself is not touched. */
export const databaseStep = (kind: StateKind, places: Places): Step => ({
  name: 'databases',
  async run(signal) {
    becomeOwner(places) // root would follow where the owner of the state leads
    if (!existsSync(join(places.stateDir, 'lock.db'))) return { said: `there are none in ${places.stateDir}` }
    const withOnDemand = (await sizeOf(kind, places, true)) <= mostOnDemandBytes
    // A copy, and what a migration writes anew.
    const needed = 2 * (await sizeOf(kind, places, withOnDemand)) + reservedBytes
    const { bavail, bsize } = statfsSync(places.stateDir)
    if (bavail * bsize < needed)
      return { state: 'warning', said: `not tried: a copy of them needs ${needed} free bytes` }
    try {
      await using snapshot = await takeSnapshot(kind, places, { withOnDemand, signal })
      const tried = migrateCopies(kind, snapshot)
      const left = kind.databases.filter(({ onDemand }) => onDemand && !withOnDemand)
      if (left.length === 0) return { said: tried.join(', ') }
      const names = left.map(({ name }) => name).join(', ')
      return { state: 'warning', said: `${tried.join(', ')}; too large to try: ${names}` }
    } catch (error) {
      if (!(error instanceof SnapshotUnknown)) throw error
      return { state: 'warning', said: `not tried: ${error.message}` }
    }
  },
})

const sizeOf = (kind: StateKind, { stateDir }: Places, withOnDemand: boolean): Promise<number> =>
  sizeOfState(kind, stateDir, { withOnDemand })

function migrateCopies({ databases }: StateKind, { dir }: Snapshot): string[] {
  return databases
    .filter(({ name }) => existsSync(join(dir, name)))
    .map((database) => migrateCopy(database, dir))
}

function migrateCopy({ name, migrations }: StateKind['databases'][number], dir: string): string {
  try {
    const path = join(dir, name)
    const from = schemaOfFile(path)
    const db = openDatabase(path, { migrations, copiedBeforeUpgrade: false })
    const found = db.pragma('quick_check(1)', { simple: true })
    const to = schemaOf(db)
    db.close()
    if (found !== 'ok') throw new Error(String(found))
    return from === to ? `${name} ${to}` : `${name} ${from} → ${to}`
  } catch (cause) {
    throw new Error(`${name}: ${(cause as Error).message}`, { cause })
  }
}

function schemaOfFile(path: string): number {
  const db = openAsItIs(path)
  try {
    return schemaOf(db)
  } finally {
    db.close()
  }
}
