import { setImmediate } from 'node:timers'
import type { Clock } from '../../core/clock.ts'
import { type Ack, toRanges } from '../../protocol/ack.ts'

/** Gathers what one connection's commits have put on disk; what came together is told together. */
export interface Acknowledgements {
  add(epoch: string, seq: number): void
}

export function gatherAcknowledgements(clock: Clock, tell: (ack: Ack) => void): Acknowledgements {
  const committed = new Map<string, number[]>()

  function tellAll(): void {
    for (const [epoch, seqs] of committed)
      tell({ epoch, ranges: toRanges(seqs).map(([from, to]) => [from, to]), time: clock.now() })
    committed.clear()
  }

  return {
    add(epoch, seq) {
      if (committed.size === 0) setImmediate(tellAll) // behind the PUBACKs and all of this commit
      const seqs = committed.get(epoch)
      if (seqs === undefined) committed.set(epoch, [seq])
      else seqs.push(seq)
    },
  }
}
