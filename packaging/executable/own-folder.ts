import { lstatSync, mkdirSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Asked each time: a command of root goes on as the owner of the state. */
export const ownUid = (): number => process.geteuid?.() ?? 0

/** Where the executable may keep what it can make again: in order, one may be read-only, or somebody else's. */
export function lastingFolders(): string[] {
  const { CACHE_DIRECTORY: given, XDG_CACHE_HOME: cache } = process.env
  return [
    ...(given === undefined ? [] : [given]),
    '/var/cache/edgeward',
    join(cache ?? join(homedir(), '.cache'), 'edgeward'),
  ]
}

/** Gone with the next start of the machine. */
export const passingFolders = (): string[] => [
  `/dev/shm/edgeward-${ownUid()}`,
  join(tmpdir(), `edgeward-${ownUid()}`),
]

/** Whoever can write to it could have us run what he likes: throws unless it is ours alone. */
export function makeOwn(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stats = lstatSync(folder)
  if (!stats.isDirectory() || stats.uid !== ownUid() || (stats.mode & 0o022) !== 0)
    throw new Error('it belongs to somebody else, or others may write to it')
}
