import type { Clock } from '../../core/clock.ts'

/**
 * Runs `task` at once and then at every multiple of the interval, so that the rate does not drift by
 * the time the task takes. A task that overruns skips the times it missed. Ends by rejecting: with
 * what the task threw, or with the signal's reason.
 */
export async function every(
  intervalMs: number,
  clock: Clock,
  signal: AbortSignal,
  task: () => Promise<void>,
): Promise<never> {
  const startedAt = clock.monotonic()
  for (let turn = 0; ; ) {
    await task()
    const passed = Math.floor((clock.monotonic() - startedAt) / intervalMs)
    turn = Math.max(turn, passed) + 1
    await clock.sleep(startedAt + turn * intervalMs - clock.monotonic(), signal)
  }
}
