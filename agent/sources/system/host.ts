import { readdir, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { exact } from '../../../core/json.ts'

/** Where the kernel shows itself. */
export interface Roots {
  /** `/proc` */
  proc: string
  /** `/sys` */
  sys: string
}

/** This machine has the kind of figure, but not this one: no such interface, no such field. */
export class NoSuchFigure extends Error {}

/** One look at the machine: each file is read once, however many points need it. */
export interface Look {
  /** Load averages over 1, 5 and 15 minutes. */
  load(): Promise<number[]>
  /** Seconds. */
  uptime(): Promise<number>
  /** /proc/meminfo, in bytes. */
  memory(): Promise<Map<string, number>>
  /** Percent busy since the look before; undefined at the first. */
  cpu(): Promise<number | undefined>
  /** Bytes of the file system that holds the path. */
  disk(path: string): Promise<{ total: number; used: number; free: number }>
  /** Counters of /proc/net/dev in their order, by interface. */
  network(): Promise<Map<string, (number | bigint)[]>>
  /** °C; of the first sensor unless named by its directory or its type. */
  temperature(zone: string | undefined): Promise<number>
}

/** Returns a function that takes a look. */
export function observe({ proc, sys }: Roots): () => Look {
  let before: Promise<CpuTimes> | undefined
  const text = (path: string) => readFile(path, 'utf8')

  return () => {
    const last = before
    const disks = new Map<string, ReturnType<Look['disk']>>()
    const cpuTimes = once(async () => parseCpu(await text(join(proc, 'stat'))))
    return {
      load: once(async () => numbers(await text(join(proc, 'loadavg'))).slice(0, 3)),
      uptime: once(async () => numbers(await text(join(proc, 'uptime')))[0] as number),
      memory: once(async () => parseMemory(await text(join(proc, 'meminfo')))),
      network: once(async () => parseNetwork(await text(join(proc, 'net/dev')))),
      temperature: (zone) => temperature(sys, zone),
      cpu: once(async () => {
        before = cpuTimes()
        before.catch(() => {})
        return busyPercent(await last, await before)
      }),
      disk(path) {
        const known = disks.get(path) ?? disk(path)
        disks.set(path, known)
        return known
      },
    }
  }
}

interface CpuTimes {
  busy: number
  total: number
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  return () => {
    reading ??= read()
    return reading
  }
}

const numbers = (text: string): number[] => text.trim().split(/\s+/).map(Number)

function parseMemory(text: string): Map<string, number> {
  return new Map(
    [...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)].map(([, name, kib]) => [name as string, Number(kib) * 1024]),
  )
}

/** user nice system idle iowait irq softirq steal; guest time is in user already. */
function parseCpu(text: string): CpuTimes {
  const line = /^cpu +(.*)$/m.exec(text)?.[1]
  if (line === undefined) throw new NoSuchFigure('no cpu line')
  const times = numbers(line).slice(0, 8)
  const total = times.reduce((sum, time) => sum + time, 0)
  return { total, busy: total - (times[3] ?? 0) - (times[4] ?? 0) }
}

function busyPercent(before: CpuTimes | undefined, now: CpuTimes): number | undefined {
  if (before === undefined) return undefined
  const total = now.total - before.total
  if (total <= 0) throw new NoSuchFigure('no processor time has passed')
  // iowait may run backwards
  const share = Math.min(1, Math.max(0, (now.busy - before.busy) / total))
  return Math.round(share * 10_000) / 100
}

function parseNetwork(text: string): Map<string, (number | bigint)[]> {
  return new Map(
    [...text.matchAll(/^\s*([^\s:|]+):\s*([\d ]+)$/gm)].map(([, name, counters]) => [
      name as string,
      (counters as string).trim().split(/\s+/).map(exact),
    ]),
  )
}

async function disk(path: string): Promise<{ total: number; used: number; free: number }> {
  const { bsize, blocks, bfree, bavail } = await statfs(path)
  return { total: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize }
}

/** Thermal zones first; hardware monitors where the kernel has no zones. */
async function temperature(sys: string, wanted: string | undefined): Promise<number> {
  const sensors = [
    ...(await sensorsIn(join(sys, 'class/thermal'), /^thermal_zone\d+$/, 'type', 'temp')),
    ...(await sensorsIn(join(sys, 'class/hwmon'), /^hwmon\d+$/, 'name', 'temp1_input')),
  ]
  if (sensors.length === 0) throw new NoSensor('this machine shows no temperature sensor')
  const sensor = wanted === undefined ? sensors[0] : sensors.find(({ names }) => names.includes(wanted))
  if (sensor === undefined) throw new NoSuchFigure(`no sensor ${wanted}`)
  return Number(await readFile(sensor.file, 'utf8')) / 1000
}

/** This machine does not have the kind of figure. */
export class NoSensor extends Error {}

async function sensorsIn(
  dir: string,
  pattern: RegExp,
  typeFile: string,
  valueFile: string,
): Promise<{ names: string[]; file: string }[]> {
  const entries = await readdir(dir).catch(() => [])
  const numbered = entries.filter((name) => pattern.test(name)).sort(byNumber)
  const sensors = numbered.map(async (name) => {
    const values = await readdir(join(dir, name)).catch(() => [] as string[])
    if (!values.includes(valueFile)) return []
    const type = await readFile(join(dir, name, typeFile), 'utf8').catch(() => '')
    return { names: [name, type.trim()], file: join(dir, name, valueFile) }
  })
  return (await Promise.all(sensors)).flat()
}

const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })
