import type { Clock } from '../../core/clock.ts'
import { RateExceeded } from '../errors.ts'

/** So many requests in any span of so long. */
export interface Rate {
  count: number
  spanMs: number
}

/** Lets a request of a caller pass, or throws `RateExceeded`. What is refused does not count. */
export type RateLimit = (caller: string) => void

/** Every one of the rates holds for each caller; none means no limit. */
export function createRateLimit(rates: readonly Rate[], clock: Clock): RateLimit {
  const longest = Math.max(0, ...rates.map(({ spanMs }) => spanMs))
  /** When each caller's requests passed, oldest first. */
  const passed = new Map<string, number[]>()

  return (caller) => {
    if (rates.length === 0) return
    const now = clock.monotonic()
    const times = (passed.get(caller) ?? []).filter((at) => at > now - longest)
    for (const { count, spanMs } of rates) {
      const earliest = times.at(-count)
      if (earliest !== undefined && earliest > now - spanMs) throw new RateExceeded(earliest + spanMs - now)
    }
    passed.set(caller, [...times, now])
  }
}
