import { copyFile, mkdir, readdir, rm, stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import { copyPlain, openCopier } from './copy.ts'
import { NoRoomForCopy, StateNotCopied } from './errors.ts'
import { besideDatabase, type StateKind } from './state.ts'

/** Copies are made here, beside what they are copies of: whoever runs the state may write there. */
const prefix = 'snapshot-'

export interface SnapshotOptions {
  /** What is large and of use for a while only, too. */
  withOnDemand?: boolean | undefined
}

export interface SnapshotDeps {
  clock: Pick<Clock, 'now'>
  random: Random
  /** For databases that their owner has opened for itself alone. */
  copyOwned?: { readonly [database: string]: (to: string) => Promise<void> }
}

/** A consistent copy of the state that this process owns and goes on writing to. Whoever asked removes it. */
export async function snapshotRunning(
  { clock, random, copyOwned = {} }: SnapshotDeps,
  kind: StateKind,
  stateDir: string,
  options: SnapshotOptions = {},
): Promise<string> {
  await using copier = await openCopier()
  return await snapshot({ clock, random, kind, stateDir, options }, async (name, to) => {
    const copy = copyOwned[name] ?? ((path: string) => copier.call('copy', join(stateDir, name), path))
    await copy(to)
  })
}

/** The same of a state that nobody has open, who calls holds its lock. Nothing of it is opened or changed. */
export async function snapshotStopped(
  { clock, random }: Pick<SnapshotDeps, 'clock' | 'random'>,
  kind: StateKind,
  stateDir: string,
  options: SnapshotOptions = {},
): Promise<string> {
  await using copier = await openCopier()
  return await snapshot({ clock, random, kind, stateDir, options }, async (name, to) => {
    for (const suffix of ['', '-wal'])
      if (await isThere(join(stateDir, `${name}${suffix}`)))
        await copyFile(join(stateDir, `${name}${suffix}`), `${to}${suffix}`)
    await copier.call('fold', to)
  })
}

interface Wanted extends Pick<SnapshotDeps, 'clock' | 'random'> {
  kind: StateKind
  stateDir: string
  options: SnapshotOptions
}

async function snapshot(
  { clock, random, kind, stateDir, options }: Wanted,
  copyDatabase: (name: string, to: string) => Promise<void>,
): Promise<string> {
  await clearSnapshots(stateDir, clock.now())
  await requireRoom(kind, stateDir, options)
  const dir = join(stateDir, `${prefix}${random.uuid()}`)
  await mkdir(dir, { mode: 0o700 })
  try {
    for (const { name, onDemand } of kind.databases)
      if ((!onDemand || options.withOnDemand) && (await isThere(join(stateDir, name))))
        await copyDatabase(name, join(dir, name)).catch((cause) => {
          throw new StateNotCopied(name, cause)
        })
    for (const name of kind.plain)
      if (await isThere(join(stateDir, name))) await copyPlain(join(stateDir, name), join(dir, name))
    return dir
  } catch (error) {
    await removeSnapshot(dir)
    throw error
  }
}

/** The folder of this state that somebody says to have made; never one elsewhere. */
export function snapshotIn(stateDir: string, named: string): string {
  const name = basename(named)
  if (!/^snapshot-[\da-f-]{36}$/.test(name)) throw new Error(`${JSON.stringify(named)} is no copy of a state`)
  return join(stateDir, name)
}

/** What whoever runs must still find beside the copy: a full disk would cost readings. */
const reservedBytes = 16 * 1024 * 1024

async function requireRoom(kind: StateKind, stateDir: string, options: SnapshotOptions): Promise<void> {
  const { bavail, bsize } = await statfs(stateDir)
  const needed = (await sizeOfState(kind, stateDir, options)) + reservedBytes
  if (bavail * bsize < needed) throw new NoRoomForCopy(needed, bavail * bsize)
}

export const removeSnapshot = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true })

/** Older than any command takes. */
const abandonedMs = 3_600_000

/** Copies whose commands were killed. Another user's, whom this one cannot remove, only takes room. */
export async function clearSnapshots(stateDir: string, now: number): Promise<void> {
  const names = (await readdir(stateDir)).filter((name) => name.startsWith(prefix))
  for (const path of names.map((name) => join(stateDir, name))) {
    const { mtimeMs } = await stat(path)
    if (Math.abs(now - mtimeMs) > abandonedMs) await removeSnapshot(path).catch(() => {})
  }
}

export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )

/** Bytes that a copy of the state takes. */
export async function sizeOfState(
  kind: StateKind,
  stateDir: string,
  { withOnDemand }: SnapshotOptions,
): Promise<number> {
  const databases = kind.databases.filter(({ onDemand }) => !onDemand || withOnDemand)
  const files = databases.flatMap(({ name }) => ['', ...besideDatabase].map((suffix) => `${name}${suffix}`))
  const sizeOf = (name: string) =>
    stat(join(stateDir, name)).then(
      ({ size }) => size,
      () => 0,
    )
  return (await Promise.all(files.map(sizeOf))).reduce((sum, size) => sum + size, 0)
}
