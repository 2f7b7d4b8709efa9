import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A file, link or empty directory of the package; its path begins without a slash. */
export type Entry = { readonly path: string } & (
  | { readonly text: string | Buffer; readonly mode?: number }
  | { readonly from: string; readonly mode?: number }
  | { readonly link: string }
  | { readonly directory: true; readonly mode?: number }
)

/** Writes what belongs into the package below a directory, and its checksums beside the control file. */
export async function layOut(root: string, entries: readonly Entry[]): Promise<void> {
  await chmod(root, 0o755)
  for (const entry of entries) await lay(root, entry)
  const rows: string[] = []
  for (const { path, ...what } of entries)
    if (!path.startsWith('DEBIAN/') && ('text' in what || 'from' in what))
      rows.push(`${await md5(join(root, path))}  ${path}\n`)
  await lay(root, { path: 'DEBIAN/md5sums', text: rows.sort().join('') })
}

async function lay(root: string, entry: Entry): Promise<void> {
  const path = join(root, entry.path)
  await makeDirectories(root, dirname(entry.path))
  if ('link' in entry) return symlink(entry.link, path)
  if ('directory' in entry) await mkdir(path)
  else if ('text' in entry) await writeFile(path, entry.text)
  else await copyFile(entry.from, path)
  await chmod(path, entry.mode ?? ('directory' in entry ? 0o755 : 0o644))
}

/** With the mode that directories have, whatever the umask is. */
async function makeDirectories(root: string, path: string): Promise<void> {
  if (path === '.') return
  await makeDirectories(root, dirname(path))
  const made = await mkdir(join(root, path), { recursive: true })
  if (made !== undefined) await chmod(join(root, path), 0o755)
}

async function md5(path: string): Promise<string> {
  const hash = createHash('md5')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
