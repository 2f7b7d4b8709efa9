import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'

/** Something that an operator must know of, for as long as it lasts. */
export interface Alarm {
  /** snake_case; API. */
  code: string
  message: string
  /** Epoch milliseconds. */
  raisedAt: number
}

/** The alarms that stand, shown in status, metrics and at the hub. */
export interface Alarms {
  /** One alarm a code: raised again it keeps its moment and takes the new message. */
  raise(code: string, message: string): void
  clear(code: string): void
  standing(): Alarm[]
}

export function createAlarms({ clock, log }: { clock: Clock; log: Logger }): Alarms {
  const standing = new Map<string, Alarm>()
  return {
    raise(code, message) {
      const before = standing.get(code)
      standing.set(code, { code, message, raisedAt: before?.raisedAt ?? clock.now() })
      if (before?.message !== message) log.error({ code, reason: message }, 'alarm raised')
    },
    clear(code) {
      if (standing.delete(code)) log.info({ code }, 'alarm cleared')
    },
    standing: () => [...standing.values()],
  }
}
