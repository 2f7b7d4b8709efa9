import { NoSuchFigure } from './reading.ts'

/** Ticks in the order of /proc/stat; guest time is in user already. */
const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const
export type CpuMode = (typeof modes)[number]
export type CpuTimes = Readonly<Record<CpuMode, number>>

/** By "cpu" for all together, "0", "1" … for each. */
export function parseCpus(text: string): Map<string, CpuTimes> {
  return new Map(
    [...text.matchAll(/^cpu(\d*) +(.*)$/gm)].map(([, core, times]) => {
      const ticks = (times as string).trim().split(/\s+/).map(Number)
      const named = modes.map((mode, at) => [mode, ticks[at] ?? 0])
      return [core === '' ? 'cpu' : (core as string), Object.fromEntries(named) as CpuTimes]
    }),
  )
}

/** The lines of /proc/stat that hold one number: ctxt, processes, procs_running … */
export const parseStat = (text: string): Map<string, number> =>
  new Map([...text.matchAll(/^([a-z_]+) (\d+)/gm)].map(([, name, value]) => [name as string, Number(value)]))

const sum = (times: CpuTimes, of: readonly CpuMode[]): number =>
  of.reduce((all, mode) => all + times[mode], 0)

export const busyModes: readonly CpuMode[] = ['user', 'nice', 'system', 'irq', 'softirq', 'steal']

/** Percent of the time between two looks. */
export function sharePercent(before: CpuTimes, now: CpuTimes, of: readonly CpuMode[]): number {
  const total = sum(now, modes) - sum(before, modes)
  if (total <= 0) throw new NoSuchFigure('no processor time has passed')
  // iowait may run backwards
  const share = Math.min(1, Math.max(0, (sum(now, of) - sum(before, of)) / total))
  return Math.round(share * 10_000) / 100
}
