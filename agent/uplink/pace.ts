import type { Clock } from '../../core/clock.ts'
import type { Pending } from '../outbox/index.ts'

/**
 * When live readings that nobody waits for are sent. They gather for an interval of five times the smoothed
 * time from sending to acknowledgement, within the configured bounds: a message that takes 200 ms then
 * covers a second of readings, and a link that needs a second for one gets messages five times as rare, which
 * compress better and carry less overhead. Smoothed as TCP does it (RFC 6298: an eighth of each new time).
 */
export interface Pace {
  /** From sending to acknowledgement. */
  took(ms: number): void
  /** Whether a message at the end of what is pending goes now; otherwise it is looked at again later. */
  isDue(message: Pending): boolean
  /** On the monotonic clock: look again then. Undefined when nothing gathers. */
  nextLookAt(): number | undefined
  /** Nothing gathers any more. */
  clear(): void
  intervalMs(): number
}

export interface PaceConfig {
  minIntervalMs: number
  maxIntervalMs: number
  /** A message of that size is full. */
  maxBytes: number
}

const acknowledgementsPerInterval = 5
const smoothing = 1 / 8
/** A message of so much is as good as full: the next batch would hardly fit. */
const fullShare = 0.9
/** A guess of when a message will be full is never followed up more often. */
const shortestLookMs = 100

export function createPace(clock: Clock, { minIntervalMs, maxIntervalMs, maxBytes }: PaceConfig): Pace {
  let smoothedMs: number | undefined
  /** The first message that waits, by its position. Its age is counted on the clock that never steps. */
  let gathering: { position: number; since: number; lookAt: number } | undefined

  const intervalMs = (): number =>
    Math.min(maxIntervalMs, Math.max(minIntervalMs, acknowledgementsPerInterval * (smoothedMs ?? 0)))

  /** How old its oldest reading is; nothing like what a wall clock that was set says. */
  const ageOf = ({ since }: Pending): number => Math.min(Math.max(clock.now() - since, 0), maxIntervalMs)

  return {
    intervalMs,
    took(ms) {
      smoothedMs = smoothedMs === undefined ? ms : smoothedMs + smoothing * (ms - smoothedMs)
    },
    isDue(message) {
      const now = clock.monotonic()
      if (gathering?.position !== message.position)
        gathering = { position: message.position, since: now - ageOf(message), lookAt: now }
      const ageMs = now - gathering.since
      const share = message.body.length / maxBytes
      if (ageMs >= intervalMs() || share >= fullShare) return true
      const fullInMs = (ageMs / share) * fullShare - ageMs
      const leftMs = intervalMs() - ageMs
      gathering.lookAt = now + Math.min(leftMs, Math.max(fullInMs, shortestLookMs))
      return false
    },
    nextLookAt: () => gathering?.lookAt,
    clear() {
      gathering = undefined
    },
  }
}
