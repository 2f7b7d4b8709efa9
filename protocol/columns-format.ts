import type { Reading } from './reading.ts'

/** Readings of one source. They are numbered within the epoch from 1 without a gap; the first is `first`. */
export interface Run {
  source: string
  first: number
  readings: Reading[]
}

/** What one commit window holds, by source. */
export type Runs = Run[]

export interface Body {
  /** Of consecutive batches. */
  batches: Runs[]
  /** The start of the box that `monotonic` of readings counts from; there when one of them has it. */
  boot?: string
}

/**
 * Deflated columnar JSON. Sources and points stand as aliases, whose texts the body does not hold. Entry k
 * of `d`, `i` and `v` belongs to reading k; readings stand by batch, then run. It is checked by hand while
 * it is decoded: a schema takes longer to load than an outbox to open, and longer to check than all the
 * rest of a small body.
 */
export interface Columns {
  /** Of each batch: alias of a source, number of its readings, the next source … */
  s: number[][]
  /** [alias of a source, number of its first reading here]. */
  f: [number, number][]
  /** Time of the first reading, epoch milliseconds. */
  t: number
  /** Milliseconds since the reading before. */
  d: number[]
  /** Alias of the point, less that of the reading before. */
  i: number[]
  /** The value; of a point in `e` a number × 10^scale, less that of the same point before. */
  v: (number | string | boolean | null)[]
  /** Of each scale from 0 on, the aliases of its points, each less the one before. */
  e?: number[][]
  /** [k, quality] of the readings that are not Good. */
  q?: [number, number][]
  /** Readings whose text value is a 64-bit integer. */
  l?: number[]
  /** `boot`. */
  b?: string
  /** [k, monotonic] of the readings whose time is not proven. */
  m?: [number, number][]
}

/** More decimals are no longer scaled. */
export const maxScale = 6
