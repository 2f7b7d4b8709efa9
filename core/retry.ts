import type { Clock } from './clock.ts'
import { EdgeError } from './errors.ts'
import type { Random } from './random.ts'

export interface RetryPolicy {
  /** First delay; doubled after each failure. */
  initialMs: number
  maxMs: number
}

/** Full jitter, so that a fleet that lost its hub does not come back in step. Never below a tenth of the step. */
export function backoffMs(attempt: number, { initialMs, maxMs }: RetryPolicy, random: Random): number {
  const step = Math.min(maxMs, initialMs * 2 ** Math.min(attempt, 30))
  return Math.round(step * (0.1 + 0.9 * random.fraction()))
}

/** How long to wait after a failure: as long as the far side asked for, and no shorter than the back-off. */
export function delayAfter(error: unknown, attempt: number, policy: RetryPolicy, random: Random): number {
  const askedMs = error instanceof EdgeError ? error.retryAfterMs : 0
  return Math.max(askedMs, backoffMs(attempt, policy, random))
}

/** Repeats `action` while it fails with a retryable error; anything else is rethrown at once. */
export async function retrying<T>(
  action: (attempt: number) => Promise<T>,
  policy: RetryPolicy,
  { clock, random }: { clock: Clock; random: Random },
  signal: AbortSignal,
  onFailure: (error: EdgeError, delayMs: number) => void = () => {},
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action(attempt)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof EdgeError && error.retryable)) throw error
      const delayMs = delayAfter(error, attempt, policy, random)
      onFailure(error, delayMs)
      await clock.sleep(delayMs, signal)
    }
  }
}
