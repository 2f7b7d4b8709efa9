import type { Clock } from '../../core/clock.ts'
import type { Reading } from '../../protocol/reading.ts'
import { OutboxBusy } from './errors.ts'
import type { Priority, WindowContent } from './frame.ts'
import type { Spilling } from './spilling.ts'

/** Gathers readings of one priority into windows, since each commit costs an fsync. */
export interface CommitWindow {
  /** Resolves when these readings are kept, here or by the far side; rejects when they could not be. */
  add(source: string, readings: readonly Reading[]): Promise<void>
  /** Ends the window that is open and waits until all are settled. Never rejects: whoever added was told. */
  flush(): Promise<void>
  /** Number of readings by source that no batch holds yet. */
  open(): Map<string, number>
}

export interface WindowEnd {
  /** The far side gets until `deadline` (monotonic) to acknowledge it; undefined: it is written at once. */
  deadline: number | undefined
}

export interface CommitWindowDeps {
  clock: Clock
  spilling: Spilling
  /** Resolves when the window is settled. */
  settle(content: WindowContent, end: WindowEnd): Promise<void>
}

export interface CommitWindowConfig {
  /** Longest wait of a reading, counted from the first of its window. */
  commitIntervalMs: number
  /** The window ends at once when about this much waits. */
  commitBytes: number
}

interface Window {
  readings: Map<string, Reading[]>
  bytes: number
  since: number
  /** Aborted when the window need not wait any longer. */
  due: AbortController
  /** It is written at once. */
  isFlushed: boolean
  settled: Promise<void>
}

/** So many windows may be on their way; meanwhile the next goes on filling. */
const maxUnsettled = 2
/** What no disk keeps up with waits with its producers, not in memory. */
const leastWaitingBytes = 1_048_576
/** Part of the interval in which a window gathers, when the far side gets the rest to acknowledge it. */
const gatheringShare = 0.5

export function createCommitWindow(
  { clock, spilling, settle }: CommitWindowDeps,
  { commitIntervalMs, commitBytes }: CommitWindowConfig,
  priority: Priority,
): CommitWindow {
  const maxWaitingBytes = Math.max(leastWaitingBytes, 4 * commitBytes)
  const unsettled = new Set<Promise<void>>()
  let open: Window | undefined

  function openWindow(): Window {
    const rest = { bytes: 0, since: clock.now(), due: new AbortController(), isFlushed: false }
    const window = { readings: new Map<string, Reading[]>(), ...rest }
    return Object.assign(window, { settled: settleWhenDue(window) })
  }

  async function settleWhenDue(window: Omit<Window, 'settled'>): Promise<void> {
    const spills = spilling.mayTry()
    const deadline = clock.monotonic() + commitIntervalMs
    const gatheringMs = spills ? commitIntervalMs * gatheringShare : commitIntervalMs
    await clock.sleep(gatheringMs, window.due.signal).catch(() => {})
    while (unsettled.size >= maxUnsettled) await Promise.race(unsettled)
    open = undefined
    const { since } = window
    const runs = [...window.readings].map(([source, readings]) => ({ source, readings }))
    const isSpilled = spills && !window.isFlushed
    if (spills && !isSpilled) spilling.withdrawn()
    const done = settle({ priority, since, runs }, { deadline: isSpilled ? deadline : undefined })
    const settled = done.catch(() => {}).finally(() => unsettled.delete(settled))
    unsettled.add(settled)
    await done
  }

  return {
    add(source, readings) {
      if (readings.length === 0) return Promise.resolve()
      const bytes = readings.reduce((sum, reading) => sum + roughBytes(reading), 0)
      if (open && open.bytes > 0 && open.bytes + bytes > maxWaitingBytes)
        return Promise.reject(new OutboxBusy(`${open.bytes} bytes of readings wait for the disk`))
      open ??= openWindow()
      const before = open.readings.get(source)
      if (before) for (const reading of readings) before.push(reading)
      else open.readings.set(source, [...readings])
      open.bytes += bytes
      if (open.bytes >= commitBytes) open.due.abort()
      return open.settled
    },
    async flush() {
      if (open) {
        open.isFlushed = true
        open.due.abort()
        await open.settled.catch(() => {})
      }
      await Promise.all(unsettled)
    },
    open: () => new Map([...(open?.readings ?? [])].map(([source, { length }]) => [source, length])),
  }
}

const roughBytes = ({ value }: Reading): number => 16 + (typeof value === 'string' ? value.length : 8)
