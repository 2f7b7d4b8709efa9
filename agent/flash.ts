import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'

/** What is written to the device that holds the state, and how long that device lasts. */
export interface Flash {
  status(): FlashStatus
  /** Looks once a minute, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface FlashStatus {
  /** Name of the whole device: "mmcblk0". */
  device?: string
  capacityBytes?: number
  /** Since the box started, by all programs; and by this process since it did. */
  deviceBytes?: number
  processBytes?: number
  /** A day's worth at the rate of the last hours; absent for the first minutes. */
  deviceBytesPerDay?: number
  processBytesPerDay?: number
  /** How long the device lasts at that rate, by the assumption below. */
  years?: number
  /** Why nothing is known of the device. */
  reason?: string
}

export interface FlashDeps {
  clock: Clock
  /** The file system's, unless told. */
  deviceNumber?(path: string): Promise<bigint>
}

export interface FlashConfig {
  /** A directory on the device. */
  path: string
  /** `/proc` and `/sys`. */
  proc: string
  sys: string
}

/**
 * The assumption behind the years: every cell of a card stands 3 000 erasures, wear is levelled over the
 * whole capacity, and the card writes four bytes for each that it is given. Typical of consumer TLC;
 * an industrial card stands more.
 */
const eraseCycles = 3_000
const writeAmplification = 4

const lookEveryMs = 60_000
/** Figures begin after this much, and are those of the last day. */
const shortestSpanMs = 600_000
const longestSpanMs = 86_400_000

const dayMs = 86_400_000
const daysInYear = 365.25
const sectorBytes = 512

interface Look {
  at: number
  deviceBytes: number | undefined
  processBytes: number | undefined
}

export function createFlash(
  { clock, deviceNumber = readDeviceNumber }: FlashDeps,
  config: FlashConfig,
): Flash {
  let device: Device | { reason: string } = { reason: 'not looked at yet' }
  let looks: Look[] = []

  async function look(): Promise<void> {
    device = await findDevice(() => deviceNumber(config.path), config.sys)
    const taken = {
      at: clock.monotonic(),
      deviceBytes: 'reason' in device ? undefined : await writtenTo(device),
      processBytes: await writtenBySelf(config.proc),
    }
    const isAnew = (taken.deviceBytes ?? 0) < (looks.at(-1)?.deviceBytes ?? 0) // of another device
    const before = isAnew ? [] : looks.filter(({ at }) => taken.at - at <= longestSpanMs)
    looks = [...before, taken]
  }

  return {
    status() {
      const perDay = {
        ...named('deviceBytesPerDay', ratePerDay(looks, 'deviceBytes')),
        ...named('processBytesPerDay', ratePerDay(looks, 'processBytes')),
      }
      const last = looks.at(-1)
      return {
        ...('reason' in device ? device : { device: device.name, capacityBytes: device.capacityBytes }),
        ...named('deviceBytes', last?.deviceBytes),
        ...named('processBytes', last?.processBytes),
        ...perDay,
        ...('reason' in device ? {} : named('years', lifeOf(device.capacityBytes, perDay.deviceBytesPerDay))),
      }
    },
    async run(signal) {
      while (!signal.aborted) {
        await look()
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
  }
}

function ratePerDay(looks: readonly Look[], figure: 'deviceBytes' | 'processBytes'): number | undefined {
  const [first, last] = [looks[0], looks.at(-1)]
  const [before, after] = [first?.[figure], last?.[figure]]
  if (!first || !last || before === undefined || after === undefined) return undefined
  const spanMs = last.at - first.at
  if (spanMs < shortestSpanMs) return undefined
  return Math.round(((after - before) * dayMs) / spanMs)
}

function lifeOf(capacityBytes: number, bytesPerDay: number | undefined): number | undefined {
  if (!bytesPerDay) return undefined
  return (capacityBytes * eraseCycles) / writeAmplification / bytesPerDay / daysInYear
}

export interface Device {
  name: string
  /** What the file system lies on: the device, a partition of it, or what is mapped onto it. */
  volume: string
  /** Its directory below /sys. */
  directory: string
  capacityBytes: number
}

/** The whole device under a path: not the partition, and not what is mapped onto it. */
export async function findDevice(
  number: () => Promise<bigint>,
  sys: string,
): Promise<Device | { reason: string }> {
  try {
    const dev = await number()
    if (major(dev) === 0n) return { reason: 'the state is on no block device of its own' } // tmpfs, overlay, network
    const volume = await realpath(join(sys, 'dev/block', `${major(dev)}:${minor(dev)}`))
    const directory = await wholeDevice(volume)
    const sectors = Number(await readFile(join(directory, 'size'), 'utf8'))
    return {
      ...{ name: basename(directory), volume: basename(volume) },
      ...{ directory, capacityBytes: sectors * sectorBytes },
    }
  } catch (error) {
    return { reason: `the device of the state is not shown here: ${(error as Error).message}` }
  }
}

export const readDeviceNumber = async (path: string): Promise<bigint> =>
  (await stat(path, { bigint: true })).dev

async function wholeDevice(directory: string): Promise<string> {
  const below = await readdir(join(directory, 'slaves')).catch(() => [])
  const [only] = below
  if (only !== undefined && below.length === 1)
    // encrypted, or a logical volume
    return wholeDevice(await realpath(join(directory, 'slaves', only)))
  const isPartition = await stat(join(directory, 'partition')).then(
    () => true,
    () => false,
  )
  return isPartition ? dirname(directory) : directory
}

/** Field 7 of the kernel's block statistics: sectors written, of 512 bytes whatever the device says. */
async function writtenTo({ directory }: Device): Promise<number | undefined> {
  const fields = await readFile(join(directory, 'stat'), 'utf8').catch(() => '')
  const sectors = Number(fields.trim().split(/\s+/)[6] ?? Number.NaN)
  return Number.isFinite(sectors) ? sectors * sectorBytes : undefined
}

/** What this process gave the kernel to write, less what was deleted before it was written. */
async function writtenBySelf(proc: string): Promise<number | undefined> {
  const text = await readFile(join(proc, 'self/io'), 'utf8').catch(() => '')
  const [written, cancelled] = ['write_bytes', 'cancelled_write_bytes'].map((name) =>
    Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN),
  ) as [number, number]
  const bytes = written - cancelled
  return Number.isFinite(bytes) ? bytes : undefined
}

/** As the C library packs them into one number. */
const major = (dev: bigint): bigint => ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
const minor = (dev: bigint): bigint => (dev & 0xffn) | ((dev >> 12n) & ~0xffn)

const named = <K extends string>(key: K, value: number | undefined): { [P in K]?: number } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: number })
