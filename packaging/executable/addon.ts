import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRawAsset } from 'node:sea'

/**
 * The system loads machine code from files only, so an addon is unpacked once, under the hash of what it
 * holds, into the first folder that takes it: one may be read-only, or mounted noexec.
 */
export function loadAddon(name: string): unknown {
  const content = Buffer.from(getRawAsset(`/addons/${name}.node`))
  const file = `${name}-${createHash('sha256').update(content).digest('hex').slice(0, 32)}.node`
  const failures: string[] = []
  for (const folder of folders()) {
    try {
      return load(unpacked(folder, file, content))
    } catch (error) {
      failures.push(`${folder}: ${(error as Error).message}`)
    }
  }
  throw new Error(`the addon ${name} could be unpacked nowhere:\n  ${failures.join('\n  ')}`)
}

/** Asked each time: a command of root goes on as the owner of the state. */
const ownUid = (): number => process.geteuid?.() ?? 0

function folders(): string[] {
  const uid = ownUid()
  const { CACHE_DIRECTORY: given, XDG_CACHE_HOME: cache } = process.env
  return [
    ...(given === undefined ? [] : [given]),
    '/var/cache/edgeward',
    join(cache ?? join(homedir(), '.cache'), 'edgeward'),
    `/dev/shm/edgeward-${uid}`,
    join(tmpdir(), `edgeward-${uid}`),
  ]
}

/** Whoever can write to the folder could have us run what he likes: it must be ours alone. */
function unpacked(folder: string, file: string, content: Buffer): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stats = lstatSync(folder)
  if (!stats.isDirectory() || stats.uid !== ownUid() || (stats.mode & 0o022) !== 0)
    throw new Error('it belongs to somebody else, or others may write to it')
  const path = join(folder, file)
  if (holds(path, content)) return path
  const draft = `${path}.${process.pid}`
  try {
    writeFileSync(draft, content, { mode: 0o500 })
    chmodSync(draft, 0o500) // whatever the umask is
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  return path
}

function holds(path: string, content: Buffer): boolean {
  try {
    const stats = lstatSync(path)
    return stats.isFile() && stats.uid === ownUid() && readFileSync(path).equals(content)
  } catch {
    return false
  }
}

function load(path: string): unknown {
  const module = { exports: {} }
  process.dlopen(module, path)
  return module.exports
}
