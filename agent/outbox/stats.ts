import type { GapReason } from '../../protocol/gap.ts'

export interface OutboxStats {
  epoch: string
  /** Batches and readings that wait for the far side, on disk or in memory. */
  batches: number
  readings: number
  /** Position (pending.ts) of the newest batch there is or was; 0 before the first. The uplink's lanes part there. */
  newest: number
  /** Epoch milliseconds: when the oldest of them was taken in. */
  oldestAt?: number
  /** On disk, and what it may become (`outbox.max_bytes`). */
  bytes: number
  maxBytes: number
  /** Since this start: readings taken in, written to disk, acknowledged. */
  takenIn: number
  written: number
  acknowledged: number
  /** Since this start: readings lost, by reason. Rows of the ledger say which. */
  lost: Partial<Record<GapReason, number>>
  /** Of this epoch; produced = delivered + waiting + lost, always. */
  sources: SourceCount[]
}

export interface SourceCount {
  source: string
  produced: number
  delivered: number
  waiting: number
  lost: Partial<Record<GapReason, number>>
}
