import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { maxScale, scaleOf } from '../../protocol/columns.ts'
import type { Value } from '../../protocol/reading.ts'
import type { Entry } from './reading-table.ts'

/** Entry k of `v` belongs to reading k. */
interface Columns {
  /** Time of the first reading. */
  t: number
  /** Milliseconds from each reading to the next; one number where they are all the same. */
  d: number | number[]
  /** Instead of `d` the times as they are, where they lie so far apart that differences are not exact. */
  a?: number[]
  /** The values; with `e` numbers stand × 10^e, less the number before. */
  v: (number | string | boolean | null)[]
  e?: number
  /** k, quality: from reading k on; Good before the first. */
  q?: number[]
  /** Readings whose text value is a 64-bit integer. */
  l?: number[]
}

/** Deflating costs as much as storing some hundred bytes does. */
const minDeflated = 512
const plain = 0
const deflated = 1

/** The readings of a block as one text, in the order given, which is that of time. */
export function encodeBlock(entries: readonly Entry[]): Buffer {
  const text = Buffer.from(JSON.stringify(toColumns(entries)))
  if (text.length < minDeflated) return Buffer.concat([Buffer.of(plain), text])
  return Buffer.concat([Buffer.of(deflated), deflateRawSync(text)])
}

export function decodeBlock(block: Buffer): Entry[] {
  const text = block.subarray(1)
  return toEntries(JSON.parse((block[0] === deflated ? inflateRawSync(text) : text).toString()) as Columns)
}

function toColumns(entries: readonly Entry[]): Columns {
  const t = (entries[0] as Entry).time
  const scale = commonScale(entries)
  const factor = 10 ** scale
  const d: number[] = []
  const v: Columns['v'] = []
  const q: number[] = []
  const l: number[] = []
  let time = t
  let scaledBefore = 0
  let qualityBefore = 0
  const isFar = !Number.isSafeInteger((entries.at(-1) as Entry).time - t)
  for (const [k, entry] of entries.entries()) {
    if (k > 0) d.push(entry.time - time)
    time = entry.time
    const { value, quality } = entry
    if (typeof value === 'bigint') {
      l.push(k)
      v.push(value.toString())
    } else if (typeof value === 'number' && scale <= maxScale) {
      const scaled = Math.round(value * factor)
      v.push(scaled - scaledBefore)
      scaledBefore = scaled
    } else v.push(value)
    if (quality !== qualityBefore) q.push(k, quality)
    qualityBefore = quality
  }
  return {
    t,
    ...(isFar ? { d: 0, a: entries.map((entry) => entry.time) } : { d: evenSteps(d) ? (d[0] ?? 0) : d }),
    v,
    ...(scale <= maxScale ? { e: scale } : {}),
    ...(q.length > 0 ? { q } : {}),
    ...(l.length > 0 ? { l } : {}),
  }
}

const evenSteps = (steps: readonly number[]): boolean => steps.every((step) => step === steps[0])

/** The decimals that make all numbers whole; more than `maxScale` when none do. */
function commonScale(entries: readonly Entry[]): number {
  let scale = 0
  for (const { value } of entries) {
    if (typeof value === 'number') scale = scaleOf(value, scale)
    if (scale > maxScale) break
  }
  return scale
}

function toEntries({ t, d, a, v, e, q = [], l = [] }: Columns): Entry[] {
  const longs = new Set(l)
  const factor = e === undefined ? undefined : 10 ** e
  let [time, scaled, quality, nextQuality] = [t, 0, 0, 0]
  return v.map((given, k) => {
    if (k > 0) time += typeof d === 'number' ? d : (d[k - 1] as number)
    while (q[nextQuality] === k) {
      quality = q[nextQuality + 1] as number
      nextQuality += 2
    }
    let value: Value = given
    if (longs.has(k)) value = BigInt(given as string)
    else if (factor !== undefined && typeof given === 'number') {
      scaled += given
      value = scaled / factor
    }
    return { time: a ? (a[k] as number) : time, value, quality }
  })
}
