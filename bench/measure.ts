import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { systemClock } from '../core/clock.ts'

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The smallest value that so many per cent do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) throw new Error('nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] as number
}

/** Four significant digits: no figure of a shared machine has more. */
export const rounded = (value: number): number => Number(value.toPrecision(4))

export interface Machine {
  cpus: string
  node: string
  kernel: string
  /** Of the last minute, when the bench ended. */
  load: number
}

export function machine(): Machine {
  const all = cpus()
  return {
    cpus: `${all.length} × ${all[0]?.model ?? 'unknown'}`,
    node: process.version,
    kernel: release(),
    load: rounded(loadavg()[0] ?? 0),
  }
}

/** Seconds that it took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = systemClock.monotonic()
  await work()
  return (systemClock.monotonic() - start) / 1000
}

export const pause = (ms: number): Promise<void> => systemClock.sleep(ms)

/**
 * Runs all contestants in each round, so that what else the machine does meets them alike; the order
 * turns with the round. The median of each contestant over the rounds.
 */
export async function interleaved<K extends string>(
  rounds: number,
  contestants: Record<K, () => Promise<number>>,
): Promise<Record<K, number>> {
  const names = Object.keys(contestants) as K[]
  const results = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed()
    for (const name of order) results[name].push(await contestants[name]())
  }
  return Object.fromEntries(names.map((name) => [name, median(results[name])])) as Record<K, number>
}

/** Polls until it holds. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  patienceMs = 120_000,
): Promise<void> {
  const deadline = systemClock.monotonic() + patienceMs
  while (!(await holds())) {
    if (systemClock.monotonic() > deadline) throw new Error(`waited in vain: ${what}`)
    await pause(50)
  }
}

/** What the system has in memory of files goes, so that the next reader has to ask the disk. Needs root. */
export function forgetFiles(): void {
  execFileSync('sync')
  writeFileSync('/proc/sys/vm/drop_caches', '3')
}
