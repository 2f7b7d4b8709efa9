import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensurePrivateDir } from '../core/files.ts'
import type { TarEntry } from '../core/tar.ts'
import { decrypt } from './age/index.ts'
import { damaged, notOurs } from './errors.ts'
import { type Manifest, manifestName, readManifest } from './manifest.ts'
import type { StateKind } from './state.ts'
import { unpack } from './tar.ts'

const mostManifestBytes = 16 * 1024 * 1024

/**
 * Unpacks a backup into the empty folder `dir`, each file on disk and checked, and each that was promised.
 * Throws `BackupUnreadable`, `WrongPassphrase`.
 */
export async function readBackup(
  bytes: AsyncIterable<Uint8Array>,
  passphrase: string,
  { dir, kind }: { dir: string; kind: StateKind },
): Promise<Manifest> {
  const entries = unpack(decrypt(bytes, passphrase))
  const first = (await entries.next()).value
  if (first?.name !== manifestName || first.size > mostManifestBytes) throw notOurs('it holds something else')
  const manifest = readManifest(await textOf(first))
  if (manifest.role !== kind.role)
    throw notOurs(`it is one of a ${manifest.role}, and this is a ${kind.role}`)
  const expected = manifest.files.values()
  for await (const entry of entries) {
    const { name, size } = expected.next().value ?? {}
    if (entry.name !== name || entry.size !== size) throw damaged(`it was not to hold ${entry.name}`)
    if (!belongs(kind, entry.name)) throw damaged(`${entry.name} belongs to no ${kind.role}`)
    await place(entry, join(dir, entry.name))
  }
  const missing = expected.next().value
  if (missing) throw damaged(`${missing.name} is missing`)
  return manifest
}

/** What is not known could lie anywhere, and do anything. */
function belongs({ databases, plain }: StateKind, name: string): boolean {
  const [top, ...below] = name.split('/')
  if (below.some((part) => part === '' || part === '.' || part === '..')) return false
  if (databases.some((database) => database.name === name)) return true
  return plain.includes(top as string)
}

async function textOf({ content }: TarEntry): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function place({ content }: TarEntry, path: string): Promise<void> {
  await ensurePrivateDir(dirname(path))
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const piece of content) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
}
