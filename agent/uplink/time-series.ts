import type { Runs } from '../../protocol/columns.ts'
import { type Reading, withDoubtfulTime } from '../../protocol/reading.ts'

/** Values of one source and one timestamp, as Insights Hub takes them. */
interface Sampling {
  timestamp: string
  values: { dataPointId: string; value: string; qualityCode: string }[]
}

/** Readings without a value: this format has no way to say that, and leaves them out. */
export const countLeftOut = (batches: readonly Runs[]): number =>
  batches.flat().reduce((sum, { readings }) => sum + readings.filter(({ value }) => value === null).length, 0)

/**
 * Pieces of about so many bytes of JSON, each the inside of an array; a sampling is never parted. There a sampling replaces another one of the same aspect and time as a whole, so all values of a source
 * with one timestamp go together, also those of neighbouring batches. Of a point that was read twice in a
 * millisecond the later value stands, as it would after two uploads.
 */
export function toTimeSeries(batches: readonly Runs[], maxBytes: number): string[] {
  const samplings = new Map<string, Map<string, Reading>>()
  for (const { source, readings } of batches.flat())
    for (const reading of readings) {
      if (reading.value === null) continue
      const key = `${reading.time} ${source}`
      const values = samplings.get(key)
      if (values === undefined) samplings.set(key, new Map([[reading.point, reading]]))
      else values.set(reading.point, reading)
    }
  return toPieces([...samplings.values()].map(toSampling), maxBytes)
}

function toSampling(readings: ReadonlyMap<string, Reading>): Sampling {
  const [first] = readings.values()
  return {
    timestamp: new Date(first?.time ?? 0).toISOString(),
    values: [...readings.values()].map(({ point, value, quality, monotonic }) => ({
      dataPointId: point,
      value: String(value),
      qualityCode: toCode(monotonic === undefined ? quality : withDoubtfulTime(quality)),
    })),
  }
}

/** OPC UA StatusCode as the vendor's C library writes it: eight hexadecimal digits. */
const toCode = (quality: number): string => quality.toString(16).padStart(8, '0')

function toPieces(samplings: readonly Sampling[], maxBytes: number): string[] {
  const pieces: string[] = []
  let piece: string[] = []
  let bytes = 0
  for (const sampling of samplings) {
    const text = JSON.stringify(sampling)
    const more = Buffer.byteLength(text) + 1
    if (piece.length > 0 && bytes + more > maxBytes) {
      pieces.push(piece.join(','))
      piece = []
      bytes = 0
    }
    piece.push(text)
    bytes += more
  }
  if (piece.length > 0) pieces.push(piece.join(','))
  return pieces
}

/**
 * A deflated body becomes about so many times as large; measured at 11 to 20. Where it becomes larger it
 * goes in several pieces.
 */
export const expansion = 16
