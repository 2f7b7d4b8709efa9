import type { Clock } from '../../core/clock.ts'
import type { Reading } from '../../protocol/reading.ts'

/** Gathers readings into commits, since each commit costs an fsync. At most one is in flight. */
export interface CommitWindow {
  /** Resolves when these readings are committed; rejects with the reason when they could not be. */
  add(readings: readonly Reading[]): Promise<void>
  /** Commits what waits, now. Never rejects: whoever added was told. */
  flush(): Promise<void>
}

export interface CommitWindowConfig {
  /** Longest wait of a reading, counted from the first of its window. */
  commitIntervalMs: number
  /** The window is committed at once when about this much waits. */
  commitBytes: number
}

interface Window {
  readings: Reading[]
  bytes: number
  /** Aborted when the window need not wait any longer. */
  due: AbortController
  committed: Promise<void>
}

export function createCommitWindow(
  { clock, commit }: { clock: Clock; commit(readings: Reading[]): Promise<void> },
  { commitIntervalMs, commitBytes }: CommitWindowConfig,
): CommitWindow {
  let open: Window | undefined
  let inFlight: Promise<unknown> = Promise.resolve()

  function openWindow(): Window {
    const due = new AbortController()
    const readings: Reading[] = []
    return { readings, bytes: 0, due, committed: commitWhenDue(readings, due.signal) }
  }

  async function commitWhenDue(readings: Reading[], due: AbortSignal): Promise<void> {
    await clock.sleep(commitIntervalMs, due).catch(() => {})
    await inFlight // until then this window goes on filling
    open = undefined
    const done = commit(readings)
    inFlight = done.catch(() => {})
    await done
  }

  return {
    add(readings) {
      if (readings.length === 0) return Promise.resolve()
      open ??= openWindow()
      for (const reading of readings) {
        open.readings.push(reading)
        open.bytes += roughBytes(reading)
      }
      if (open.bytes >= commitBytes) open.due.abort()
      return open.committed
    },
    async flush() {
      open?.due.abort()
      await open?.committed.catch(() => {})
      await inFlight
    },
  }
}

const roughBytes = ({ value }: Reading): number => 16 + (typeof value === 'string' ? value.length : 8)
