import { constants, type Stats } from 'node:fs'
import { access, lstat, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, type Finding, failed, ok, warning } from '../../core/diagnosis.ts'
import type { Places } from '../../main.ts'

/** The state directory as it lies there. Only looks. */
export function stateChecks({ stateDir, runtimeDir }: Places): Check[] {
  return [
    {
      id: 'state',
      title: 'state directory',
      run: () => describeState(stateDir, runtimeDir),
    },
    {
      id: 'state.space',
      title: 'space for the state',
      needs: ['state'],
      run: () => describeSpace(stateDir),
    },
  ]
}

async function describeState(stateDir: string, runtimeDir: string): Promise<Finding> {
  const stats = await lstatIfExists(stateDir)
  if (!stats)
    return failed(
      `${stateDir} does not exist`,
      'The daemon creates it when it starts; if it has run before, name its directory with --state-dir, or restore a backup.',
    )
  if (!stats.isDirectory())
    return failed(`${stateDir} is not a directory`, `Move it away: "mv ${stateDir} ${stateDir}.old".`)
  const uid = process.getuid?.() ?? 0
  if (uid !== 0 && stats.uid !== uid)
    return failed(
      `${stateDir} belongs to user ${stats.uid}, and this command runs as ${uid}`,
      'Run edgeward as the user who owns it, or as root.',
    )
  const fault =
    (await faultOf(stateDir, stats, stats.uid)) ?? (await firstFault(stateDir, runtimeDir, stats.uid))
  if (fault) return fault
  return (await isWritable(stateDir))
    ? ok(`${stateDir} is private to its owner`, { stateDir, uid: stats.uid })
    : failed(
        `${stateDir} cannot be written`,
        'Look whether the file system is mounted read-only ("findmnt -T DIR") or has errors ("dmesg").',
      )
}

/** Certificates and sockets are there for others. */
const isPublic = (name: string): boolean => /\.(crt|sock)$/.test(name)

async function firstFault(dir: string, runtimeDir: string, owner: number): Promise<Finding | undefined> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (path === runtimeDir || entry.name === 'lost+found') continue // the one is for others too, for proxy.sock
    const stats = await lstatIfExists(path)
    if (!stats) continue // a database's journal comes and goes
    const fault = isPublic(entry.name) ? undefined : await faultOf(path, stats, owner)
    if (fault) return fault
    const within = stats.isDirectory() ? await firstFault(path, runtimeDir, owner) : undefined
    if (within) return within
  }
  return undefined
}

/** Nobody but the owner of the state directory may read or change what is in it. */
async function faultOf(path: string, stats: Stats, owner: number): Promise<Finding | undefined> {
  const mode = stats.mode & 0o777
  const facts = { path, mode: mode.toString(8), uid: stats.uid }
  if (stats.uid !== owner)
    return failed(
      `${path} belongs to user ${stats.uid}, not to ${owner} as the state directory does, so the daemon cannot use it`,
      `Give it back: "chown ${owner} ${path}".`,
      facts,
    )
  if (stats.isSymbolicLink() || (mode & 0o077) === 0) return undefined
  const right = stats.isDirectory() ? '700' : '600'
  return failed(
    `${path} is open to other users of this machine (mode ${facts.mode})`,
    `Close it: "chmod ${right} ${path}"; if others could log in here, rotate what it holds ("edgeward rotate").`,
    facts,
  )
}

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  )

async function lstatIfExists(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Identity and databases need a few megabytes to write at all; below the second they fill within hours. */
const leastFreeBytes = 16 * 1024 * 1024
const fewFreeBytes = 128 * 1024 * 1024

async function describeSpace(stateDir: string): Promise<Finding> {
  const { bavail, bsize, files, ffree } = await statfs(stateDir)
  const freeBytes = bavail * bsize
  const facts = { freeBytes, freeFiles: ffree }
  const free = `${Math.floor(freeBytes / 1024 / 1024)} MB free for ${stateDir}`
  const cure = `Make room on its file system ("df -h ${stateDir}"; old logs and packages first).`
  if (files > 0 && ffree === 0)
    return failed('the file system cannot take one more file (no inodes left)', cure, facts)
  if (freeBytes < leastFreeBytes)
    return failed(`only ${free}: readings and credentials can soon not be kept`, cure, facts)
  return freeBytes < fewFreeBytes ? warning(`only ${free}`, cure, facts) : ok(free, facts)
}
