import type { Clock } from '../core/clock.ts'
import type { AppRights } from './rights.ts'

/** How much of its quota an app has used. */
export interface Meter {
  /** How long this message has to wait, in milliseconds; undefined when that is too long. */
  take(quota: AppRights['quota'], bytes: number): number | undefined
}

/** Who would have to wait longer is refused. */
const maxWaitMs = 10_000

/** What comes within a second may come at once. */
export function createMeter(clock: Pick<Clock, 'monotonic'>): Meter {
  const used = { messages: 0, bytes: 0 }
  let at = clock.monotonic()

  const waitFor = (kind: 'messages' | 'bytes', limit: number | null): number =>
    limit === null ? 0 : Math.max(0, ((used[kind] - limit) / limit) * 1000)

  return {
    take(quota, bytes) {
      const passedSeconds = (clock.monotonic() - at) / 1000
      at = clock.monotonic()
      const before = {
        messages: Math.max(0, used.messages - passedSeconds * (quota.messages ?? 0)),
        bytes: Math.max(0, used.bytes - passedSeconds * (quota.bytes ?? 0)),
      }
      used.messages = quota.messages === null ? 0 : before.messages + 1
      used.bytes = quota.bytes === null ? 0 : before.bytes + bytes
      const waitMs = Math.max(waitFor('messages', quota.messages), waitFor('bytes', quota.bytes))
      if (waitMs <= maxWaitMs) return waitMs
      Object.assign(used, before)
      return undefined
    },
  }
}
