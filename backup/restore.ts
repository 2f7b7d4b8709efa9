import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { EdgeError } from '../core/errors.ts'
import { foldLog, openDatabase } from '../core/sqlite.ts'
import { damaged } from './errors.ts'
import type { Manifest } from './manifest.ts'
import { choose, type IdentityFate, type IdentityWish, judge } from './plan.ts'
import { readBackup } from './read.ts'
import { besideDatabase, type StateKind, type Whose } from './state.ts'
import { commitSwap, type Journal, prepareSwap, settleSwap } from './swap.ts'

export interface RestoreDeps {
  clock: Pick<Clock, 'now'>
  /** The backup is of another box: may its identity be taken? Not asked where the wish is known. */
  ask(manifest: Manifest, here: Whose): Promise<Exclude<IdentityWish, undefined>>
}

export interface RestoreOptions {
  passphrase: string
  wish: IdentityWish
}

export interface Restored {
  manifest: Manifest
  isSameBox: boolean
  identity: IdentityFate
  placed: readonly string[]
  /** Where what was there is kept. */
  replaced?: string
}

/**
 * Puts a backup in the place of a state that nobody has open; who calls holds its lock. Nothing there is
 * touched before all of the backup was read, checked and migrated beside it.
 */
export async function restoreBackup(
  { clock, ask }: RestoreDeps,
  kind: StateKind,
  { bytes, stateDir }: { bytes: AsyncIterable<Uint8Array>; stateDir: string },
  { passphrase, wish }: RestoreOptions,
): Promise<Restored> {
  await settleSwap(stateDir)
  const dir = await prepareSwap(stateDir)
  try {
    const manifest = await readBackup(bytes, passphrase, { dir, kind })
    tryDatabases(kind, dir)
    const here = await kind.whose(stateDir)
    const mustAsk = wish === undefined && manifest.agent && !judge(here, manifest, wish).isSameBox
    const { isSameBox, fate } = judge(here, manifest, mustAsk ? await ask(manifest, here) : wish)
    kind.prepare(dir, { isOther: fate === 'left' && !isSameBox })
    const isSameAgent = here.agent ? here.agent.agentId === manifest.agent?.agentId : isSameBox
    const swap = {
      replaced: `replaced-${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')}`,
      ...(await planSwap({ kind, dir, stateDir }, { fate, isSameAgent })),
    }
    await commitSwap(stateDir, swap)
    const replaced = await settleSwap(stateDir)
    const { placed } = swap
    return { manifest, isSameBox, identity: fate, placed, ...(replaced === undefined ? {} : { replaced }) }
  } catch (error) {
    // Whatever was decided is finished, now or at the next start; all else leaves nothing behind.
    await settleSwap(stateDir).catch(() => {})
    throw error
  }
}

/** As this release will open them: each is whole and of a schema that it knows. */
function tryDatabases({ databases }: StateKind, dir: string): void {
  for (const { name, migrations } of databases) {
    const path = join(dir, name)
    if (!existsSync(path)) continue
    tryDatabase(name, path, migrations)
    foldLog(path)
  }
}

/** Throws `BackupUnreadable`, `SchemaTooNew`. */
function tryDatabase(name: string, path: string, migrations: URL): void {
  try {
    const db = openDatabase(path, { migrations, copiedBeforeUpgrade: false })
    const found = db.pragma('quick_check(1)', { simple: true })
    db.close()
    if (found !== 'ok') throw damaged(`${name}: ${String(found)}`)
  } catch (error) {
    if (error instanceof EdgeError) throw error
    throw damaged(`${name}: ${(error as Error).message}`, error)
  }
}

/**
 * Of what goes aside, this has no successor in the backup: what another agent has begun and not delivered, and
 * a database that there was not yet when the backup was made.
 */
async function planSwap(
  { kind, dir, stateDir }: { kind: StateKind; dir: string; stateDir: string },
  { fate, isSameAgent }: { fate: IdentityFate; isSameAgent: boolean },
): Promise<Pick<Journal, 'aside' | 'placed'>> {
  const known = [...kind.databases.map(({ name }) => name), ...kind.plain]
  const found = async (folder: string): Promise<string[]> => {
    const names = await readdir(folder)
    return known.filter((name) => names.includes(name))
  }
  const here = await found(stateDir)
  const inBackup = await found(dir)
  const placed = choose(kind, { fate, isSameAgent }, { inBackup, here })
  const orphaned = fate === 'taken' && !isSameAgent ? kind.running : []
  const later = kind.databases
    .filter(({ name, onDemand }) => !onDemand && !inBackup.includes(name))
    .map(({ name }) => name)
  const isDatabase = (name: string) => kind.databases.some((database) => database.name === name)
  const leaving = new Set([...placed, ...[...orphaned, ...later].filter((name) => here.includes(name))])
  const aside = [...leaving].flatMap((name) =>
    isDatabase(name) ? [...besideDatabase.map((suffix) => `${name}${suffix}`), name] : [name],
  )
  return { aside, placed }
}
