import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Random } from '../core/random.ts'
import { encrypt } from './age/index.ts'
import { type Manifest, manifestName } from './manifest.ts'
import { type Entry, pack } from './tar.ts'

export interface WriteDeps {
  random: Random
}

export interface WriteOptions {
  passphrase: string
  /** Doublings in scrypt: 17 takes 128 MiB and a third of a second of a PC. */
  work: number
}

/** Encrypts what lies in `dir` into `path`, which is there whole or not at all. Returns its size. */
export async function writeBackup(
  { random }: WriteDeps,
  { dir, path, about }: { dir: string; path: string; about: Omit<Manifest, 'format' | 'files'> },
  { passphrase, work }: WriteOptions,
): Promise<number> {
  const names = await filesIn(dir)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size))
  const files = names.map((name, at) => ({ name, size: sizes[at] as number }))
  const archive = pack(entries(dir, { format: 1, ...about, files }))
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  try {
    const size = await pour(encrypt(archive, passphrase, { work, random }), file)
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return size
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function pour(bytes: AsyncIterable<Uint8Array>, file: FileHandle): Promise<number> {
  let size = 0
  try {
    for await (const piece of bytes) {
      await file.writeFile(piece)
      size += piece.length
    }
    await file.sync()
    return size
  } finally {
    await file.close()
  }
}

async function* entries(dir: string, manifest: Manifest): AsyncGenerator<Entry> {
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  const modifiedAt = manifest.madeAt
  yield { name: manifestName, size: text.length, modifiedAt, content: once(text) }
  for (const { name, size } of manifest.files)
    yield { name, size, modifiedAt, content: createReadStream(join(dir, name)) }
}

async function* once(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece
}

/** All files, relative to `dir`, in order. */
async function filesIn(dir: string): Promise<string[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort()
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
