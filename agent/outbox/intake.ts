import type { Clock } from '../../core/clock.ts'
import { type CommitWindowConfig, createCommitWindow, type WindowEnd } from './commit-window.ts'
import type { Appended, Priority, WindowContent } from './frame.ts'
import type { Settlement } from './settlement.ts'
import type { Spilling } from './spilling.ts'

/** What producers append, until it is settled. */
export interface Intake {
  append(appended: Appended): Promise<void>
  /** Ends the open windows and writes what is not acknowledged. */
  flush(): Promise<void>
  /** Seals nothing until `change` is over, and does not begin it before all that was sealed is settled. */
  holding(change: () => Promise<void>): Promise<void>
  /** Readings that no batch holds yet, by source. */
  unsealed(): Map<string, number>
}

export interface IntakeDeps {
  clock: Clock
  spilling: Spilling
  settlement: Settlement
}

export function createIntake(
  { clock, spilling, settlement }: IntakeDeps,
  config: CommitWindowConfig,
): Intake {
  const unsealed = new Set<WindowContent>()
  const taken = new Set<Promise<void>>()
  let gate: Promise<unknown> | undefined

  async function settle(content: WindowContent, end: WindowEnd): Promise<void> {
    unsealed.add(content)
    await gate
    const done = settlement.take(content, end)
    unsealed.delete(content)
    const over = done.catch(() => {}).finally(() => taken.delete(over))
    taken.add(over)
    await done
  }

  const windowOf = (priority: Priority) => createCommitWindow({ clock, spilling, settle }, config, priority)
  const windows = { telemetry: windowOf('telemetry'), event: windowOf('event') }

  async function flush(): Promise<void> {
    settlement.flush()
    await Promise.all([windows.telemetry.flush(), windows.event.flush()])
  }

  return {
    append: ({ source, readings, priority = 'telemetry' }) => windows[priority].add(source, readings),
    flush,
    async holding(change) {
      await flush()
      const open = Promise.withResolvers<void>()
      gate = open.promise
      try {
        settlement.flush()
        await Promise.all(taken)
        await change()
      } finally {
        gate = undefined
        open.resolve()
      }
    },
    unsealed() {
      const sum = windows.telemetry.open()
      const add = (source: string, count: number) => sum.set(source, (sum.get(source) ?? 0) + count)
      for (const [source, count] of windows.event.open()) add(source, count)
      for (const { runs } of unsealed) for (const { source, readings } of runs) add(source, readings.length)
      return sum
    },
  }
}
