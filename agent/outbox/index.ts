import type { Range } from '../../protocol/ack.ts'
import type { BatchName } from '../../protocol/batch.ts'
import type { Reading } from '../../protocol/reading.ts'

/** A committed batch, encoded for ever as it will travel (protocol/batch.ts). */
export interface StoredBatch extends BatchName {
  payload: Uint8Array
  /** Number of readings. */
  count: number
}

/** Store-and-forward: a reading stays on disk until the hub has acknowledged its batch. */
export interface Outbox extends AsyncDisposable {
  /**
   * Resolves once the readings are on disk: this, and nothing earlier, is what an acknowledgement to
   * a producer may rest on. Rejects when they could not be stored; they are then not kept.
   */
  append(readings: readonly Reading[]): Promise<void>
  /** Committed and not acknowledged batches with a sequence above `after`, oldest first. */
  pending(after: number, limit: number): Promise<StoredBatch[]>
  /** The hub has committed these; they are deleted, lazily. Unknown ranges and epochs change nothing. */
  acknowledge(epoch: string, ranges: readonly Range[]): Promise<void>
  /** Called after each commit. */
  onCommit(listener: () => void): void
  stats(): Promise<OutboxStats>
  /** Rejects when the store's thread has died; never resolves. */
  readonly died: Promise<never>
}

export interface OutboxStats {
  epoch: string
  /** Batches and readings that wait for the hub. */
  batches: number
  readings: number
  /** Of the database file. */
  bytes: number
  /** Since this start. */
  committedReadings: number
}
