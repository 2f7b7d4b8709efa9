import { setImmediate } from 'node:timers'
import type { Clock } from '../../core/clock.ts'
import type { Ack, Range } from '../../protocol/ack.ts'
import { merged } from '../ranges.ts'

/** Gathers what one connection's commits have put on disk; what came together is told together. */
export interface Acknowledgements {
  add(epoch: string, batches: Range): void
}

export function gatherAcknowledgements(clock: Clock, tell: (ack: Ack) => void): Acknowledgements {
  const committed = new Map<string, Range[]>()

  function tellAll(): void {
    for (const [epoch, ranges] of committed)
      tell({ epoch, ranges: merged(ranges).map(([from, to]) => [from, to]), time: clock.now() })
    committed.clear()
  }

  return {
    add(epoch, batches) {
      if (committed.size === 0) setImmediate(tellAll) // behind the PUBACKs and all of this commit
      const ranges = committed.get(epoch)
      if (ranges === undefined) committed.set(epoch, [batches])
      else ranges.push(batches)
    },
  }
}
