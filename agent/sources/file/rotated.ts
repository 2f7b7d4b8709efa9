import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileId } from './position.ts'

/** A file that once had the path: "app.log.1", "app.log-20260101". */
export interface Rotated {
  path: string
  file: string
  modifiedNs: bigint
}

const isCompressed = (name: string): boolean => /\.(gz|bz2|xz|zst|lz4)$/.test(name)

/** The oldest first; what is compressed cannot be read on. */
export async function rotatedFiles(path: string): Promise<Rotated[]> {
  const base = basename(path)
  const names = (await readdir(dirname(path))).filter(
    (name) => name.startsWith(base) && /^[.-]\d/.test(name.slice(base.length)) && !isCompressed(name),
  )
  const found = names.map(async (name) => {
    const at = join(dirname(path), name)
    const stats = await stat(at, { bigint: true }).catch(() => undefined)
    return stats?.isFile() ? [{ path: at, file: fileId(stats), modifiedNs: stats.mtimeNs }] : []
  })
  return (await Promise.all(found)).flat().toSorted((a, b) => Number(a.modifiedNs - b.modifiedNs))
}
