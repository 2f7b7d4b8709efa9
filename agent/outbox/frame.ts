import type { GapReason } from '../../protocol/gap.ts'
import type { Name } from '../../protocol/message.ts'
import type { Reading } from '../../protocol/reading.ts'

export type Priority = 'telemetry' | 'event'

/** Readings of one source, in its order. */
export interface Appended {
  /** Name of the data source. */
  source: string
  readings: readonly Reading[]
  /** When space runs out, telemetry goes before it. */
  priority?: Priority
}

/** Readings lost, by reason. */
export type Losses = Partial<Record<GapReason, number>>

/** What one window holds. */
export interface WindowContent {
  priority: Priority
  /** Epoch milliseconds: when its first reading was taken in. */
  since: number
  runs: { source: string; readings: readonly Reading[] }[]
}

/** A batch, or consecutive ones, as they are kept: named and encoded. */
export interface Frame {
  /** Of the first batch. */
  seq: number
  batches: number
  readings: number
  priority: Priority
  since: number
  /** The time of all its readings is proven, or said by their source. */
  isProven: boolean
  /** Alias of a source, number of its first reading here, how many; the next source … */
  runs: number[]
  body: Uint8Array
}

export interface Sealed {
  epoch: string
  frames: Frame[]
  /** Those that this window is the first to use. */
  names: Name[]
}

/** Frames of another epoch, with all that is needed to give them out under their old names. */
export interface Adopted {
  epoch: string
  boot: string
  names: readonly Name[]
  frames: readonly Frame[]
  /** Nothing else is missing of it: all that its producers were promised is here or was before. */
  closes: boolean
  /** Its file broke: some of it may be missing, and the ledger says so. Epoch milliseconds. */
  brokeAt?: number
}

/** Readings that got no number: held back by filters, or refused. */
export interface Uncounted {
  source: string
  reason: GapReason
  count: number
  since: number
  until: number
}

/** Named, so that what comes again after the thread's death is not counted twice. */
export interface Uncounteds {
  id: string
  losses: Uncounted[]
}

export function addLosses(sum: Losses, more: Losses): Losses {
  for (const [reason, count] of Object.entries(more) as [GapReason, number][])
    sum[reason] = (sum[reason] ?? 0) + count
  return sum
}
