import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { median, pause, until } from './measure.ts'
import { cpuMsOfTree } from './process-tree.ts'
import { end } from './server-process.ts'
import type { Job } from './sources.fixture.ts'

/** Processes that acquire all at the same time, so that what else the machine does meets them alike. */

export interface Effort {
  windows: number
  windowMs: number
  /** Until the compiler knows what is hot. */
  warmMs: number
  say(progress: string): void
}

/** Medians over the windows. */
export interface Acquired {
  /** Of the whole tree of processes. */
  microsecondsPerReading: number
  readingsPerSecond: number
}

interface Contestant extends AsyncDisposable {
  pid: number
  readings(): Promise<number>
}

export async function sideBySide<K extends string>(
  jobs: Record<K, Job>,
  { windows, windowMs, warmMs, say }: Effort,
): Promise<Record<K, Acquired>> {
  await using held = new AsyncDisposableStack()
  const names = Object.keys(jobs) as K[]
  const contestants = names.map((name) => held.use(start(jobs[name])))
  for (const [at, contestant] of contestants.entries())
    await until(`readings by ${names[at]}`, async () => (await contestant.readings()) > 0)
  await pause(warmMs)
  const found = names.map((): Acquired[] => [])
  for (let window = 1; window <= windows; window++) {
    const measured = await Promise.all(contestants.map((contestant) => measure(contestant, windowMs)))
    for (const [at, one] of measured.entries()) {
      found[at]?.push(one)
      say(`${window}/${windows} ${names[at]}: ${one.microsecondsPerReading.toFixed(1)} µs per reading`)
    }
  }
  return Object.fromEntries(names.map((name, at) => [name, medians(found[at] ?? [])])) as Record<K, Acquired>
}

async function measure({ pid, readings }: Contestant, windowMs: number): Promise<Acquired> {
  const readingsBefore = await readings()
  const cpuBefore = cpuMsOfTree(pid)
  await pause(windowMs)
  const count = (await readings()) - readingsBefore
  if (count === 0) throw new Error('nothing was read')
  const usedMs = cpuMsOfTree(pid) - cpuBefore
  return { microsecondsPerReading: (usedMs * 1000) / count, readingsPerSecond: (count * 1000) / windowMs }
}

const medians = (found: readonly Acquired[]): Acquired => ({
  microsecondsPerReading: median(found.map(({ microsecondsPerReading }) => microsecondsPerReading)),
  readingsPerSecond: median(found.map(({ readingsPerSecond }) => readingsPerSecond)),
})

function start(job: Job): Contestant {
  const child = fork(fileURLToPath(new URL('sources.fixture.ts', import.meta.url)), [JSON.stringify(job)], {
    ...{ stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] },
  })
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`${job.by} ended with ${code}`)
  })
  exited.catch(() => {}) // who asks next is told
  return {
    pid: child.pid as number,
    async readings() {
      const answer = once(child, 'message')
      child.send('readings')
      const [count] = (await Promise.race([answer, exited])) as [number]
      return count
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}
