import type { Clock } from '../../core/clock.ts'
import type { Alarms } from '../alarms.ts'

/** Raises an alarm for a source that stays dead, and clears it. */
export interface VitalSigns {
  /** To be called when it may have changed; `message` while it is dead. */
  dead(message: string | undefined): void
  /** Nobody looks any more; an alarm that stands does so still. */
  end(): void
}

/** One that comes back sooner is not worth an alarm. */
const patienceMs = 10_000

export function createVitalSigns(
  { alarms, clock }: { alarms: Pick<Alarms, 'raise' | 'clear'>; clock: Clock },
  source: string,
): VitalSigns {
  const code = `source_dead:${source}`
  let waiting: AbortController | undefined
  let isRaised = false
  let isOver = false
  let newest: string | undefined

  const raise = () => {
    isRaised = true
    alarms.raise(code, `${source}: ${newest}`)
  }

  return {
    dead(message) {
      const before = newest
      newest = message
      if (message === undefined) {
        waiting?.abort()
        waiting = undefined
        if (isRaised) alarms.clear(code)
        isRaised = false
      } else if (isRaised) {
        if (message !== before) raise()
      } else if (waiting === undefined && !isOver) {
        waiting = new AbortController()
        clock.sleep(patienceMs, waiting.signal).then(raise, () => {}) // it came back
      }
    },
    end() {
      isOver = true
      waiting?.abort()
    },
  }
}
