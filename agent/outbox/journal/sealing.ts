import { encodeBody, type Run, type Runs } from '../../../protocol/columns.ts'
import type { Frame, WindowContent } from '../frame.ts'

/** A broker on the way may refuse more than 128 KB (AWS IoT Core). */
const maxBodyBytes = 100_000
export const maxReadings = 5000

export interface Sealing {
  seq: number
  boot: string
  /** Number of the next reading of a source. */
  nextOf(source: string): number
  aliasOf(text: string): number
}

/** Encodes a window as one batch, or as several that can each travel. */
export function sealWindow({ priority, since, runs }: WindowContent, sealing: Sealing): Frame[] {
  const { boot, nextOf, aliasOf } = sealing
  const numbered = runs.map(
    ({ source, readings }): Run => ({ source, first: nextOf(source), readings: [...readings] }),
  )
  const bodies = split(numbered, (batch) => encodeBody({ batches: [batch], boot }, aliasOf))
  return bodies.map(({ batch, body }, k) => ({
    seq: sealing.seq + k,
    batches: 1,
    readings: sizeOf(batch),
    ...{ priority, since, body },
    isProven: batch.every((run) => run.readings.every(({ monotonic }) => monotonic === undefined)),
    runs: batch.flatMap(({ source, first, readings }) => [aliasOf(source), first, readings.length]),
  }))
}

/** Halved until each can travel. */
function split(batch: Runs, encode: (batch: Runs) => Buffer): { batch: Runs; body: Buffer }[] {
  const size = sizeOf(batch)
  if (size <= maxReadings) {
    const body = encode(batch)
    if (body.length <= maxBodyBytes || size <= 1) return [{ batch, body }]
  }
  const middle = Math.ceil(size / 2)
  return [...split(slice(batch, 0, middle), encode), ...split(slice(batch, middle, size), encode)]
}

/** Readings `from` … `to - 1` of a batch. */
function slice(batch: Runs, from: number, to: number): Runs {
  const part: Runs = []
  let at = 0
  for (const { source, first, readings } of batch) {
    const skipped = Math.max(0, from - at)
    const taken = readings.slice(skipped, Math.max(skipped, to - at))
    if (taken.length > 0) part.push({ source, first: first + skipped, readings: taken })
    at += readings.length
  }
  return part
}

export const sizeOf = (batch: Runs): number => batch.reduce((sum, { readings }) => sum + readings.length, 0)
