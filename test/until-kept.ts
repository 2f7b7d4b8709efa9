import { systemClock } from '../core/clock.ts'
import type { ManualClock } from './manual-clock.ts'

/**
 * Simulated time stands still while real threads and disks do what is due; only what sleeps until now is
 * woken. Rejects as the promise does.
 */
export async function untilKept(clock: ManualClock, kept: Promise<unknown>): Promise<void> {
  let isOver = false
  const over = kept.finally(() => {
    isOver = true
  })
  while (!isOver) {
    await clock.advance(0)
    await Promise.race([over, systemClock.sleep(1)])
  }
}
