import { readdirSync, readFileSync } from 'node:fs'

/** A process and those that it has started. */

/** A tick of /proc, on every Linux that Node runs on. */
const tickMs = 10

/**
 * Milliseconds of CPU, in user mode and for it in the kernel, of the process, of those below it that
 * live, and of those that have ended: a tree is never cheaper than before.
 */
export function cpuMsOfTree(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const times = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15)
    const own = times.reduce((sum, ticks) => sum + Number(ticks), 0) * tickMs
    return childrenOf(pid).reduce((sum, child) => sum + cpuMsOfTree(child), own)
  } catch (error) {
    if (hasEnded(error)) return 0
    throw error
  }
}

/** Processes that this one, by whichever thread, has started and that live. */
export const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
    return children.split(' ').filter(Boolean).map(Number)
  })

export interface Memory {
  /** MB of it that lie in RAM. */
  rss: number
  /** The same, but of what several processes share only its part. */
  pss: number
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (name: string) => {
    const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? []
    if (kib === undefined) throw new Error(`no ${name} in smaps_rollup`)
    return (Number(kib) * 1024) / 1e6
  }
  return { rss: megabytes('Rss'), pss: megabytes('Pss') }
}

const hasEnded = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
