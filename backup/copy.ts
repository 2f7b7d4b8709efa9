import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openThread, type Thread, threadUrl } from '../core/thread.ts'
import type { CopyMethods } from './thread.ts'

/** Copies databases without holding anybody up. */
export const openCopier = (): Promise<Thread<CopyMethods>> =>
  openThread<CopyMethods>(threadUrl('thread', import.meta.url), undefined)

const attempts = 10

/**
 * Copies a file or folder as it is at one moment, though its owner goes on: each file is replaced whole,
 * and where one was while the others were read, all are read again.
 */
export async function copyPlain(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await rm(to, { recursive: true, force: true })
    const before = await listing(from)
    try {
      for (const { path, isFolder } of before) {
        if (isFolder) await mkdir(join(to, path), { mode: 0o700 })
        else await copyFile(join(from, path), join(to, path))
      }
      if (JSON.stringify(await listing(from)) === JSON.stringify(before)) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    if (attempt === attempts) throw new Error(`${from} changes all the time`)
  }
}

interface Listed {
  /** Empty for what is listed itself. */
  path: string
  isFolder: boolean
  version: string
}

/** Folders before what is in them. Nothing that is being written, no links, no sockets. */
async function listing(root: string, path = ''): Promise<Listed[]> {
  const found = await stat(join(root, path), { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found?.isFile())
    return [{ path, isFolder: false, version: `${found.ino} ${found.size} ${found.mtimeNs}` }]
  if (!found?.isDirectory()) return []
  const names = (await readdir(join(root, path))).filter((name) => !name.endsWith('.new')).sort()
  const inside: Listed[] = []
  for (const name of names) inside.push(...(await listing(root, join(path, name))))
  return [{ path, isFolder: true, version: '' }, ...inside]
}
