import { join } from 'node:path'
import { exact } from '../../../core/json.ts'
import { type CpuTimes, parseCpus, parseStat } from './cpu.ts'
import { type DiskIo, parseDiskStats } from './disk.ts'
import { NoSuchFigure, readOnce } from './reading.ts'

/** Where the kernel shows itself. */
export interface Roots {
  /** `/proc` */
  proc: string
  /** `/sys` */
  sys: string
}

/** What a look before this one has seen, for figures that are of the time between two. */
export interface Seen {
  cpus?: ReadonlyMap<string, CpuTimes>
  disks?: ReadonlyMap<string, DiskIo>
  ownCpuMicros?: number
  /** Milliseconds since the box started. */
  at: number
}

/** One look at the machine: each file is read once, however many points need it. */
export interface Look {
  readonly roots: Roots
  /** Undefined at the first look. */
  readonly before: Seen | undefined
  readonly now: Seen
  /** Whether the time of the box is proven. */
  readonly isTimeProven: boolean
  /** See `loopDelay`. */
  readonly loopDelayMs: number
  /** Text of a file below /proc. */
  proc(path: string): Promise<string>
  /** Text of a file below /sys. */
  sys(path: string): Promise<string>
}

export interface Moment extends Pick<Look, 'isTimeProven' | 'loopDelayMs'> {
  monotonic: number
}

/** Returns a function that takes a look. */
export function observe(roots: Roots): (moment: Moment) => Look {
  let last: Seen | undefined
  return ({ monotonic, isTimeProven, loopDelayMs }) => {
    const before = last
    const now: Seen = { at: monotonic }
    last = now
    const read = readOnce()
    return {
      ...{ roots, before, now, isTimeProven, loopDelayMs },
      proc: (path) => read(join(roots.proc, path)),
      sys: (path) => read(join(roots.sys, path)),
    }
  }
}

export const numbers = (text: string): number[] => text.trim().split(/\s+/).map(Number)

/** /proc/meminfo, in bytes. */
export const memory = async (look: Look): Promise<Map<string, number>> =>
  new Map(
    [...(await look.proc('meminfo')).matchAll(/^([\w()]+):\s+(\d+) kB$/gm)].map(([, name, kib]) => [
      name as string,
      Number(kib) * 1024,
    ]),
  )

/** Lines of a name and a number: /proc/vmstat. */
export async function counter(look: Look, path: string, name: string): Promise<number | bigint> {
  const [, digits] = new RegExp(`^${name}\\s+(\\d+)\\b`, 'm').exec(await look.proc(path)) ?? []
  if (digits === undefined) throw new NoSuchFigure(`no ${name} in ${path}`)
  return exact(digits)
}

/** Counters of /proc/net/dev in their order, by interface. */
export const interfaces = async (look: Look): Promise<Map<string, (number | bigint)[]>> =>
  new Map(
    [...(await look.proc('net/dev')).matchAll(/^\s*([^\s:|]+):\s*([\d ]+)$/gm)].map(([, name, counters]) => [
      name as string,
      (counters as string).trim().split(/\s+/).map(exact),
    ]),
  )

/** By "cpu" for all, "0", "1" … for each. */
export async function cpus(look: Look): Promise<ReadonlyMap<string, CpuTimes>> {
  look.now.cpus ??= parseCpus(await look.proc('stat'))
  return look.now.cpus
}

export const kernel = async (look: Look): Promise<Map<string, number>> => parseStat(await look.proc('stat'))

/** By device: "mmcblk0". */
export async function disks(look: Look): Promise<ReadonlyMap<string, DiskIo>> {
  look.now.disks ??= parseDiskStats(await look.proc('diskstats'))
  return look.now.disks
}
