import { commitSeconds, createHistogram, type Histogram } from '../../core/histogram.ts'
import type { GapReason } from '../../protocol/gap.ts'

/** What has been taken in since this start. */
export interface Tally {
  /** New batches, and the readings in them. */
  batches: number
  readings: number
  /** Batches that came again. */
  repeats: number
  /** Messages that could not be read. */
  malformed: number
  /** From the message of a batch to its acknowledgement, in seconds. */
  acknowledgeSeconds: Histogram
  /** Connections that were let in, and those that were not. */
  admitted: number
  refused: number
  /** Readings that agents say they have lost. */
  lost: Map<GapReason, number>
}

export const createTally = (): Tally => ({
  batches: 0,
  readings: 0,
  repeats: 0,
  malformed: 0,
  acknowledgeSeconds: createHistogram(commitSeconds),
  admitted: 0,
  refused: 0,
  lost: new Map(),
})
