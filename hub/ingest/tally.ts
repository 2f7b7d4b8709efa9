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
  /** Readings that agents say they have lost. */
  lost: Map<GapReason, number>
}

export const createTally = (): Tally => ({
  batches: 0,
  readings: 0,
  repeats: 0,
  malformed: 0,
  lost: new Map(),
})
