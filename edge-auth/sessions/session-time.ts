import Type from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { parser } from '../../core/schema.ts'

/**
 * How old sessions are measured: milliseconds that only run forward, whatever the box's clock does.
 * While the machine runs, by the monotonic clock, over restarts of the daemon too. While it was off, by
 * the box's clock, where that has gone forward; otherwise no time has passed.
 */
export interface SessionTime {
  now(): number
  /** What the box's clock will show at that session time, if nobody sets it. */
  onClock(sessionTime: number): number
  /** To be kept, and given to the next start. */
  mark(): string
}

const Mark = Type.Object({
  time: Type.Integer(),
  clock: Type.Integer(),
  monotonic: Type.Number(),
  bootId: Type.String(),
})
const parseMark = parser(Mark)

export interface SessionTimeDeps {
  clock: Clock
  bootId: string
}

/** `kept` is the last mark; session time begins with the box's clock. */
export function createSessionTime({ clock, bootId }: SessionTimeDeps, kept: string | undefined): SessionTime {
  const startedAt = clock.monotonic()
  const startTime = kept === undefined ? clock.now() : resume(kept)

  function resume(text: string): number {
    const mark = parseMark(JSON.parse(text), 'session time')
    const sameBoot = mark.bootId === bootId
    const passed = sameBoot ? startedAt - mark.monotonic : clock.now() - mark.clock
    return mark.time + Math.max(0, Math.floor(passed))
  }

  const now = (): number => startTime + Math.floor(clock.monotonic() - startedAt)
  return {
    now,
    onClock: (sessionTime) => clock.now() + sessionTime - now(),
    mark: () => JSON.stringify({ time: now(), clock: clock.now(), monotonic: clock.monotonic(), bootId }),
  }
}
