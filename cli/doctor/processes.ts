import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** What the kernel tells of processes. `proc` is `/proc`, unless a test has another. */

export const readIfReadable = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined)

export async function processIds(proc = '/proc'): Promise<number[]> {
  return (await readdir(proc)).filter((name) => /^\d+$/.test(name)).map(Number)
}

/** Its command line; empty when it cannot be read. */
export async function commandOf(pid: number, proc = '/proc'): Promise<string> {
  const text = (await readIfReadable(join(proc, `${pid}`, 'cmdline'))) ?? ''
  return text.replaceAll(/[\0\s]+/g, ' ').trim()
}

/** "process 812 (/usr/sbin/nginx -g …)" */
export const processName = ({ pid, command }: { pid: number; command: string }): string =>
  `process ${pid}${command === '' ? '' : ` (${command.slice(0, 120)})`}`

/** Which process has each of these sockets open, by inode. Those of other users are seen by root alone. */
export async function socketHolders(
  inodes: ReadonlySet<string>,
  proc = '/proc',
): Promise<Map<string, number>> {
  const holders = new Map<string, number>()
  if (inodes.size === 0) return holders
  for (const pid of await processIds(proc)) {
    const folder = join(proc, `${pid}`, 'fd')
    const names = await readdir(folder).catch(() => [])
    const targets = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')))
    for (const target of targets) {
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
      if (inode !== undefined && inodes.has(inode)) holders.set(inode, pid)
    }
  }
  return holders
}
