import type { Clock } from '../core/clock.ts'

/** Epoch milliseconds as the hub counts them; the box's own clock until the hub has told. */
export interface HubTime {
  now(): number
  /** Takes a `server-time` header: epoch seconds. True when it corrected the time by more than a minute. */
  observe(header: string | string[] | undefined): boolean
}

/** Below this the own clock is as good, and finer than the header's seconds. */
const toleranceMs = 60_000

/** A box whose clock is wrong would sign assertions that the hub refuses, and rotate too late. */
export function createHubTime(clock: Clock): HubTime {
  let anchor: { hub: number; monotonic: number } | undefined
  const now = () => (anchor ? anchor.hub + clock.monotonic() - anchor.monotonic : clock.now())

  return {
    now: () => Math.round(now()),
    observe(header) {
      if (typeof header !== 'string' || !/^\d{1,12}$/.test(header)) return false
      const hub = Number(header) * 1000
      const corrected = Math.abs(hub - now()) > toleranceMs
      anchor = Math.abs(hub - clock.now()) > toleranceMs ? { hub, monotonic: clock.monotonic() } : undefined
      return corrected
    },
  }
}
