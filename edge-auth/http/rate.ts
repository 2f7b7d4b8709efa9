import type { Clock } from '../../core/clock.ts'

/** So many requests in any span of so long. */
export interface Rate {
  count: number
  spanMs: number
}

/** Undefined when the caller may; otherwise for how long not. What is refused does not count. */
export type RateLimit = (caller: string) => number | undefined

/** A span is counted in so many parts, and one more: never too little, and little too much. */
const parts = 8
/** Callers remembered; beyond that the one first seen is forgotten. */
const maxCallers = 10_000

/** All of the rates hold for each caller; none means no limit. Memory per caller does not grow with the rate. */
export function createRateLimit(rates: readonly Rate[], clock: Clock): RateLimit {
  const callers = new Map<string, Counter[]>()

  return (caller) => {
    const now = clock.monotonic()
    let counters = callers.get(caller)
    if (!counters) {
      counters = rates.map(createCounter)
      if (callers.size >= maxCallers) callers.delete(callers.keys().next().value as string)
      callers.set(caller, counters)
    }
    const waits = counters.map((counter) => counter.waitMs(now))
    const longest = Math.max(0, ...waits)
    if (longest > 0) return longest
    for (const counter of counters) counter.count(now)
    return undefined
  }
}

type Counter = ReturnType<typeof createCounter>

function createCounter({ count: most, spanMs }: Rate) {
  const partMs = spanMs / parts
  const counts = new Array<number>(parts + 1).fill(0)
  let newest = 0

  const moveTo = (now: number): void => {
    const part = Math.floor(now / partMs)
    for (let next = Math.max(newest + 1, part - parts); next <= part; next++) counts[next % counts.length] = 0
    newest = Math.max(newest, part)
  }
  return {
    /** 0 when one more is within the rate. */
    waitMs(now: number): number {
      moveTo(now)
      const total = counts.reduce((sum, one) => sum + one, 0)
      return total < most ? 0 : (newest + 1) * partMs - now
    },
    count(now: number): void {
      moveTo(now)
      counts[newest % counts.length] = (counts[newest % counts.length] as number) + 1
    },
  }
}
