import type { Clock } from '../../core/clock.ts'
import { commitSeconds, createHistogram, type Histogram } from '../../core/histogram.ts'

/** How writing to disk goes. */
export interface Commits {
  /** Something is to be written; said again while it is. */
  due(): void
  /** One commit. */
  timed<T>(commit: () => Promise<T>): Promise<T>
  /** What was due is written, or need not be any more. */
  done(): void
  status(): CommitStatus
}

export interface CommitStatus {
  seconds: Pick<Histogram, 'gauge'>
  /** How long what is to be written has waited for that; 0 when nothing is. */
  overdueMs: number
}

export function createCommits({ clock }: { clock: Clock }): Commits {
  const seconds = createHistogram(commitSeconds)
  let dueSince: number | undefined
  return {
    due() {
      dueSince ??= clock.monotonic()
    },
    async timed(commit) {
      const startedAt = clock.monotonic()
      const result = await commit()
      seconds.observe((clock.monotonic() - startedAt) / 1000)
      return result
    },
    done() {
      dueSince = undefined
    },
    status: () => ({
      seconds,
      overdueMs: dueSince === undefined ? 0 : clock.monotonic() - dueSince,
    }),
  }
}
