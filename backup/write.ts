import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Random } from '../core/random.ts'
import { pack, type TarEntry } from '../core/tar.ts'
import { encrypt } from './age/index.ts'
import { type Manifest, manifestName } from './manifest.ts'

/** Ends the name of a backup that is being written. */
export const unfinished = '.new'

export interface WriteDeps {
  random: Random
}

export interface WriteOptions {
  passphrase: string
  /** Doublings in scrypt: 17 takes 128 MiB and a third of a second of a PC. */
  work: number
}

/** A file that gets its name only when it is whole. Gone when it is disposed of before. */
export interface Target extends AsyncDisposable {
  readonly file: FileHandle
  finish(): Promise<void>
}

export async function openTarget(path: string): Promise<Target> {
  const temporary = `${path}${unfinished}`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  let isFinished = false
  return {
    file,
    async finish() {
      await file.sync()
      await rename(temporary, path)
      isFinished = true
      await syncFolder(dirname(path))
    },
    async [Symbol.asyncDispose]() {
      await file.close()
      if (!isFinished) await rm(temporary, { force: true })
    },
  }
}

/** Encrypts what lies in `dir` into an open file. Returns how many bytes that were. */
export async function writeBackup(
  { random }: WriteDeps,
  { dir, fd, about }: { dir: string; fd: number; about: Omit<Manifest, 'format' | 'files'> },
  { passphrase, work }: WriteOptions,
): Promise<number> {
  const names = await filesIn(dir)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size))
  const files = names.map((name, at) => ({ name, size: sizes[at] as number }))
  const archive = pack(entries(dir, { format: 1, ...about, files }))
  let bytes = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const piece of encrypt(archive, passphrase, { work, random })) {
      bytes += piece.length
      yield piece
    }
  }
  await pipeline(counted, createWriteStream('', { fd, autoClose: false }))
  return bytes
}

async function* entries(dir: string, manifest: Manifest): AsyncGenerator<TarEntry> {
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
