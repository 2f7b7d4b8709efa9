import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { getAssetKeys, getRawAsset } from 'node:sea'
import { isMainThread } from 'node:worker_threads'
import { lastingFolders, makeOwn, ownUid, passingFolders } from './own-folder.ts'

/**
 * The system loads machine code from files only, so an addon is unpacked once, under the hash of what it
 * holds, into the first folder that takes it: one may be read-only, or mounted noexec.
 */
export function loadAddon(name: string): unknown {
  const asset = getAssetKeys().find((key) => key.startsWith(`/addons/${name}-`)) as string
  const failures: string[] = []
  for (const folder of [...lastingFolders(), ...passingFolders()]) {
    try {
      return load(unpacked(folder, asset))
    } catch (error) {
      failures.push(`${folder}: ${(error as Error).message}`)
    }
  }
  throw new Error(`the addon ${name} could be unpacked nowhere:\n  ${failures.join('\n  ')}`)
}

function unpacked(folder: string, asset: string): string {
  makeOwn(folder)
  const path = join(folder, basename(asset))
  if (holds(path)) return path
  const draft = `${path}.${process.pid}`
  try {
    writeFileSync(draft, Buffer.from(getRawAsset(asset)), { mode: 0o500, flush: true })
    chmodSync(draft, 0o500) // whatever the umask is
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  return path
}

/** The main thread looks whether it is whole; threads, which come later, rely on that. */
function holds(path: string): boolean {
  try {
    const stats = lstatSync(path)
    if (!stats.isFile() || stats.uid !== ownUid()) return false
    return !isMainThread || path.endsWith(`-${hashOf(path)}.node`)
  } catch {
    return false
  }
}

/** A piece at a time: what is read once is not to stay in memory. */
function hashOf(path: string): string {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(65_536)
  const file = openSync(path, 'r')
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece))
      hash.update(piece.subarray(0, read))
    return hash.digest('hex').slice(0, 32)
  } finally {
    closeSync(file)
  }
}

function load(path: string): unknown {
  const module = { exports: {} }
  process.dlopen(module, path)
  return module.exports
}
