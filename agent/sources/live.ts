import type { Clock } from '../../core/clock.ts'
import type { Sample } from './source.ts'

/** What sources read at this moment, for who looks on. Costs nothing while nobody does. */
export interface Live {
  heard(source: string, samples: readonly Sample[]): void
  /** What was read after `cursor`; waits for something, at most `waitMs`. */
  after(cursor: number, waitMs: number): Promise<Heard>
  /** From here on everything is there for who asks again soon. */
  cursor(): number
}

export interface Heard {
  cursor: number
  samples: { source: string; sample: Sample }[]
  /** Samples between the cursor and the first of these, which are no longer known. */
  missed: number
}

const maxSamples = 5_000
const attentionMs = 30_000
/** A busy plant is told in parcels. */
const gatherMs = 50

export function createLive({ clock }: { clock: Clock }): Live {
  let kept: Heard['samples'] = []
  /** Number of the first one that is kept. */
  let first = 0
  let watchedUntil = Number.NEGATIVE_INFINITY
  let news = Promise.withResolvers<void>()
  const next = () => first + kept.length
  const attend = () => {
    watchedUntil = clock.monotonic() + attentionMs
  }

  function drop(count: number): void {
    first += count
    kept = kept.slice(count)
  }

  return {
    heard(source, samples) {
      if (clock.monotonic() > watchedUntil) {
        if (kept.length > 0) drop(kept.length)
        return
      }
      for (const sample of samples) kept.push({ source, sample })
      if (kept.length > 2 * maxSamples) drop(kept.length - maxSamples)
      news.resolve()
      news = Promise.withResolvers()
    },
    cursor() {
      attend()
      return next()
    },
    async after(cursor, waitMs) {
      attend()
      if (cursor >= next()) {
        const over = new AbortController()
        await Promise.race([news.promise, clock.sleep(waitMs, over.signal).catch(() => {})])
        over.abort()
        await clock.sleep(gatherMs)
      }
      const missed = Math.max(0, first - cursor)
      return { cursor: next(), samples: kept.slice(Math.max(0, cursor - first)), missed }
    },
  }
}
