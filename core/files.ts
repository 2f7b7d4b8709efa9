import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The calls that durability rests on, so that a test can put a disk below that forgets. */
export interface Disk {
  open(path: string, flags: 'wx' | 'r', mode?: number): Promise<DiskFile>
  readFile(path: string, encoding: 'utf8'): Promise<string>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { force: true }): Promise<void>
}

export interface DiskFile {
  writeFile(content: string | Uint8Array): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

const realDisk: Disk = { open, readFile, rename, rm }

/** Creates the directory readable by its owner alone. */
export async function ensurePrivateDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
}

/**
 * Replaces a file so that after a power cut either the old or the new content is there, whole.
 * When this resolves, the new content is on disk.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
  disk: Disk = realDisk,
): Promise<void> {
  const temporary = `${path}.new`
  await disk.rm(temporary, { force: true }) // a leftover keeps its mode; ours must be as asked
  const file = await disk.open(temporary, 'wx', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await syncDir(dirname(path), disk)
}

/** Removes a file; when this resolves, the removal is on disk. */
export async function removeFile(path: string, disk: Disk = realDisk): Promise<void> {
  await disk.rm(path, { force: true })
  await syncDir(dirname(path), disk)
}

/** Renames a file within a file system, where there is one; when this resolves, that is on disk. */
export async function moveIfExists(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  for (const dir of new Set([dirname(to), dirname(from)])) await syncDir(dir)
}

/** Undefined when there is no such file. */
export async function readFileIfExists(path: string, disk: Disk = realDisk): Promise<string | undefined> {
  try {
    return await disk.readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Makes what was created, renamed or removed in the directory stay so. */
async function syncDir(path: string, disk: Disk = realDisk): Promise<void> {
  const dir = await disk.open(path, 'r')
  try {
    await dir.sync()
  } finally {
    await dir.close()
  }
}
