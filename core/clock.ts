import { setTimeout as delay } from 'node:timers/promises'

/** Wall time may step at any moment; intervals and deadlines use `monotonic`. */
export interface Clock {
  /** Epoch milliseconds, as far as this box knows. */
  now(): number
  /** Milliseconds since the machine started, the same for all processes; never steps. */
  monotonic(): number
  /** Resolves after `ms` of monotonic time; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A single timer overflows at 2^31 - 1 ms (24.8 days) and would fire at once. */
const longestTimerMs = 86_400_000

const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  async sleep(ms, signal) {
    const end = monotonic() + ms
    for (;;) {
      const left = end - monotonic()
      if (left <= 0) return signal?.throwIfAborted()
      await delay(Math.min(left, longestTimerMs), undefined, signal ? { signal } : undefined).catch(
        (error) => {
          throw signal?.aborted ? signal.reason : error
        },
      )
    }
  },
}
