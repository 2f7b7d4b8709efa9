import type { Clock } from '../../core/clock.ts'

/** Decides which windows the far side gets the chance to acknowledge before they are written. */
export interface Spilling {
  /** To be asked once a window. */
  mayTry(): boolean
  succeeded(): void
  failed(): void
  /** It was not tried after all. */
  withdrawn(): void
}

const firstPauseMs = 1_000
const longestPauseMs = 60_000

/**
 * Every window while that works. Once it has failed they go straight to disk, and one is tried now and
 * then: after a second, and twice as long each time up to a minute.
 */
export function createSpilling(
  { clock }: { clock: Clock },
  { mode }: { mode: 'spill' | 'always' },
): Spilling {
  let works = true
  let isTrying = false
  let pauseMs = firstPauseMs
  let nextTryAt = 0

  return {
    mayTry() {
      if (mode === 'always') return false
      if (works) return true
      if (isTrying || clock.monotonic() < nextTryAt) return false
      isTrying = true
      return true
    },
    succeeded() {
      works = true
      isTrying = false
      pauseMs = firstPauseMs
    },
    withdrawn() {
      isTrying = false
    },
    failed() {
      if (!(works || isTrying)) return // windows from before the first failure
      if (!works) pauseMs = Math.min(longestPauseMs, 2 * pauseMs)
      works = false
      isTrying = false
      nextTryAt = clock.monotonic() + pauseMs
    },
  }
}
