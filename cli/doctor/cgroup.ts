import { dirname, join } from 'node:path'
import { readIfReadable } from './processes.ts'

/** The folders of a process's control group (version 2) and of those above it, innermost first. */
export async function cgroupOf(
  pid: number,
  { proc, sys }: { proc: string; sys: string },
): Promise<string[] | undefined> {
  const own = /^0::(\/.*)$/m.exec((await readIfReadable(join(proc, `${pid}`, 'cgroup'))) ?? '')?.[1]
  if (own === undefined) return undefined
  const folders: string[] = []
  for (let path = own; ; path = dirname(path)) {
    folders.push(join(sys, 'fs/cgroup', path))
    if (path === '/') return folders
  }
}

export interface Room {
  used: number
  most: number
}

/** The limit that is nearest to being met; undefined when there is none. */
export async function smallestRoom(
  folders: readonly string[],
  what: 'pids' | 'memory',
): Promise<Room | undefined> {
  const rooms = await Promise.all(folders.map((folder) => roomIn(folder, what)))
  return rooms
    .filter((room) => room !== undefined)
    .toSorted((a, b) => b.used / b.most - a.used / a.most)
    .at(0)
}

async function roomIn(folder: string, what: 'pids' | 'memory'): Promise<Room | undefined> {
  const [current, max, stat] = await Promise.all(
    [`${what}.current`, `${what}.max`, `${what}.stat`].map((name) => readIfReadable(join(folder, name))),
  )
  const most = Number(max ?? Number.NaN) // "max" where there is none
  if (current === undefined || !Number.isFinite(most) || most <= 0) return undefined
  // What only caches files is given back.
  const cache = Number(/^inactive_file (\d+)$/m.exec(stat ?? '')?.[1] ?? 0)
  return { used: Math.max(0, Number(current) - cache), most }
}
