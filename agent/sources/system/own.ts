import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Look } from './host.ts'

const round = (value: number): number => Math.round(value * 100) / 100

/** Percent of one core since the look before. */
export function ownCpu({ before, now }: Look): number | undefined {
  const { user, system } = process.cpuUsage()
  now.ownCpuMicros ??= user + system
  if (before?.ownCpuMicros === undefined || now.at <= before.at) return undefined
  return round((now.ownCpuMicros - before.ownCpuMicros) / 10 / (now.at - before.at))
}

export const ownFiles = async ({ roots }: Look): Promise<number> =>
  (await readdir(join(roots.proc, 'self/fd'))).length

/** How long the longest turn of the event loop has kept all others waiting since it was asked last, in ms. */
export function loopDelay(): { readMs(): number; stop(): void } {
  const resolutionMs = 20
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  return {
    readMs() {
      const longestMs = delays.max / 1e6
      delays.reset()
      return round(Math.max(0, longestMs - resolutionMs))
    },
    stop: () => void delays.disable(),
  }
}
