import type { Clock } from '../core/clock.ts'

/** Time that passes only when a test says so. */
export interface ManualClock extends Clock {
  /** Lets both clocks run on and wakes, in order, the sleepers whose time has come. */
  advance(ms: number): Promise<void>
}

interface Sleeper {
  wakeAt: number
  wake(): void
}

export function manualClock(startAt = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsed = 0
  const sleepers = new Set<Sleeper>()

  function wakeNext(until: number): boolean {
    const next = [...sleepers].filter(({ wakeAt }) => wakeAt <= until).sort((a, b) => a.wakeAt - b.wakeAt)[0]
    if (next === undefined) return false
    elapsed = Math.max(elapsed, next.wakeAt)
    next.wake()
    return true
  }

  return {
    now: () => startAt + elapsed,
    monotonic: () => elapsed,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sleeper = { wakeAt: elapsed + Math.max(0, ms), wake: resolve }
      const abort = () => reject(signal?.reason)
      signal?.addEventListener('abort', abort, { once: true })
      sleepers.add(sleeper)
      try {
        await promise
      } finally {
        sleepers.delete(sleeper)
        signal?.removeEventListener('abort', abort)
      }
    },
    async advance(ms) {
      const until = elapsed + ms
      await new Promise((resolve) => setImmediate(resolve))
      while (wakeNext(until)) await new Promise((resolve) => setImmediate(resolve)) // what it wakes may sleep again
      elapsed = until
    },
  }
}
