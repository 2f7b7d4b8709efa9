import type { Clock } from '../../core/clock.ts'

/** One beginning of a scheduled task. */
export interface Turn {
  /** How much later than due it began. */
  lateMs: number
  /** Turns since the one before that fell out, because that one took too long. */
  overruns: number
  /** From one turn to the next. */
  intervalMs: number
}

/** Times at the multiples of an interval, so that the rate does not drift by the time that a task takes. */
export interface Schedule {
  /** Waits for the next turn; the first is at once. Rejects with the signal's reason. */
  next(signal: AbortSignal): Promise<Turn>
  /** Lets go, uncounted, the turns that should have begun by now. */
  catchUp(): void
}

export function createSchedule(intervalMs: number, clock: Clock): Schedule {
  const startedAt = clock.monotonic()
  let turn = -1
  const passed = () => (clock.monotonic() - startedAt) / intervalMs
  return {
    async next(signal) {
      const before = turn
      turn = before < 0 ? 0 : Math.max(turn + 1, Math.ceil(passed()))
      const dueAt = startedAt + turn * intervalMs
      signal.throwIfAborted()
      const leftMs = dueAt - clock.monotonic()
      if (leftMs > 0) await clock.sleep(leftMs, signal)
      return { lateMs: clock.monotonic() - dueAt, overruns: turn - before - 1, intervalMs }
    },
    catchUp() {
      turn = Math.max(turn, Math.floor(passed()))
    },
  }
}

/**
 * Runs `task` at once and then on schedule. A task that overruns skips the turns it missed. Ends by
 * rejecting: with what the task threw, or with the signal's reason.
 */
export async function every(
  intervalMs: number,
  clock: Clock,
  signal: AbortSignal,
  task: () => Promise<void>,
  onTurn: (turn: Turn) => void = () => {},
): Promise<never> {
  const schedule = createSchedule(intervalMs, clock)
  for (;;) {
    onTurn(await schedule.next(signal))
    await task()
  }
}
