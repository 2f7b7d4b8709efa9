import type { Disk, DiskFile } from '../core/files.ts'

/**
 * A disk in memory that keeps what was synced and nothing else: a file's content from its `sync`, a
 * rename, removal or new name from the `sync` of the directory.
 */
export interface ForgetfulDisk extends Disk {
  /** The power fails: what was not synced is gone. */
  forget(): void
  /** Writes past every cache; the file is then as if it had always been so. */
  put(path: string, content: string): void
  /** What would be read now, by path. */
  files(): Map<string, string>
}

interface Inode {
  content: string
  synced: string
}

/** `onStep` is called before each call that changes something; when it throws, nothing has changed. */
export function forgetfulDisk(onStep: (step: string) => void = () => {}): ForgetfulDisk {
  let names = new Map<string, Inode>()
  let syncedNames = new Map<string, Inode>()

  const openFile = (path: string): DiskFile => {
    const inode: Inode = { content: '', synced: '' }
    names.set(path, inode)
    return {
      async writeFile(content) {
        onStep('write')
        inode.content = content.toString()
      },
      async sync() {
        onStep('sync')
        inode.synced = inode.content
      },
      async close() {},
    }
  }

  const openDir = (dir: string): DiskFile => ({
    async writeFile() {
      throw new Error(`EISDIR: ${dir}`)
    },
    async sync() {
      onStep('sync of the directory')
      const inside = (path: string) => path.startsWith(`${dir}/`)
      const others = [...syncedNames].filter(([path]) => !inside(path))
      syncedNames = new Map([...others, ...[...names].filter(([path]) => inside(path))])
    },
    async close() {},
  })

  return {
    async open(path, flags) {
      if (flags === 'r') return openDir(path)
      onStep('create')
      if (names.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' })
      return openFile(path)
    },
    async readFile(path) {
      const inode = names.get(path)
      if (!inode) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
      return inode.content
    },
    async rename(from, to) {
      onStep('rename')
      const inode = names.get(from)
      if (!inode) throw Object.assign(new Error(`ENOENT: ${from}`), { code: 'ENOENT' })
      names.delete(from)
      names.set(to, inode)
    },
    async rm(path) {
      onStep('remove')
      names.delete(path)
    },
    forget() {
      names = new Map(syncedNames)
      for (const inode of names.values()) inode.content = inode.synced
    },
    put(path, content) {
      const inode = { content, synced: content }
      names.set(path, inode)
      syncedNames.set(path, inode)
    },
    files: () => new Map([...names].map(([path, { content }]) => [path, content])),
  }
}
