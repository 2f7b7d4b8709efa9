import type { Clock } from '../core/clock.ts'

/** What an app has done on the broker since the start, and what it was denied. */
export interface Tally {
  connected(): void
  disconnected(): void
  published(): void
  denied(message: string): void
  /** `tell` is called at most once a minute, with all since it was last called. */
  overQuota(what: 'slowed' | 'refused', tell: (since: Record<'slowed' | 'refused', number>) => void): void
  readonly seen: Seen
}

/** Times are epoch milliseconds. */
export interface Seen {
  connections: number
  /** Since when there was always a connection. */
  connectedSince: number | null
  lastMessageAt: number | null
  published: number
  denied: number
  /** Messages that had to wait for the quota, or were refused because of it. */
  overQuota: number
  /** The last ones. */
  errors: { at: number; message: string }[]
}

const keptErrors = 5
const tellEveryMs = 60_000

export function createTally(clock: Clock): Tally {
  const seen: Seen = {
    ...{ connections: 0, connectedSince: null, lastMessageAt: null },
    ...{ published: 0, denied: 0, overQuota: 0, errors: [] },
  }
  let untold = { slowed: 0, refused: 0 }
  let toldAt: number | undefined
  return {
    connected() {
      if (seen.connections++ === 0) seen.connectedSince = clock.now()
    },
    disconnected() {
      if (--seen.connections === 0) seen.connectedSince = null
    },
    published() {
      seen.published++
      seen.lastMessageAt = clock.now()
    },
    denied(message) {
      seen.denied++
      seen.errors = [...seen.errors, { at: clock.now(), message }].slice(-keptErrors)
    },
    overQuota(what, tell) {
      seen.overQuota++
      untold[what]++
      if (toldAt !== undefined && clock.monotonic() - toldAt < tellEveryMs) return
      toldAt = clock.monotonic()
      tell(untold)
      untold = { slowed: 0, refused: 0 }
    },
    get seen() {
      return { ...seen }
    },
  }
}
