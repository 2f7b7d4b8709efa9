import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { GapReason } from '../../protocol/gap.ts'
import type { Uncounted, Uncounteds } from './frame.ts'

/** Counts of readings that got no number, on their way into the ledger: a minute's worth at a time. */
export interface UncountedLosses {
  add(source: string, reason: GapReason, count: number): void
  /** What is to be written with the next commit; the same until it is `done`. */
  due(): Uncounteds | undefined
  /** Likewise, but without regard to the minute. */
  all(): Uncounteds | undefined
  done(written: Uncounteds): void
  /** Those that no one has been given yet. */
  waiting(): Uncounted[]
}

const intervalMs = 60_000

export function createUncountedLosses({ clock, random }: { clock: Clock; random: Random }): UncountedLosses {
  const waiting = new Map<string, Uncounted>()
  let given: Uncounteds | undefined
  let givenAt = Number.NEGATIVE_INFINITY

  function take(): Uncounteds | undefined {
    if (given !== undefined || waiting.size === 0) return given
    given = { id: random.bytes(8).toString('hex'), losses: [...waiting.values()] }
    givenAt = clock.monotonic()
    waiting.clear()
    return given
  }

  return {
    add(source, reason, count) {
      const key = `${reason} ${source}`
      const now = clock.now()
      const before = waiting.get(key)
      if (before === undefined) waiting.set(key, { source, reason, count, since: now, until: now })
      else Object.assign(before, { count: before.count + count, until: Math.max(before.until, now) })
    },
    due: () => (given !== undefined || clock.monotonic() - givenAt >= intervalMs ? take() : undefined),
    all: take,
    done(written) {
      if (given?.id === written.id) given = undefined
    },
    waiting: () => [...waiting.values()].map((loss) => ({ ...loss })),
  }
}
