import { inflateRawSync } from 'node:zlib'
import { Invalid } from '../core/errors.ts'
import { type Body, type Columns, maxScale, type Run, type Runs } from './columns-format.ts'
import { type Reading, statusCode, type Value } from './reading.ts'

/** An honest body inflates to a few hundred kilobytes; a hostile one must not fill the memory. */
const maxInflatedBytes = 32 * 1024 * 1024
const maxBootLength = 64
/** What a Date can hold, in epoch milliseconds. */
const lastDate = 8.64e15
/** Throws `Invalid` for anything but a body whose aliases all have a text. */
export function decodeBody(body: Uint8Array, textOf: (alias: number) => string | undefined): Body {
  const columns = columnsIn(inflate(body))
  const readings = toReadings(columns, textOf)
  const batches = toBatches(columns, readings, textOf)
  return columns.b === undefined ? { batches } : { batches, boot: columns.b }
}

function inflate(body: Uint8Array): string {
  try {
    return inflateRawSync(body, { maxOutputLength: maxInflatedBytes }).toString()
  } catch (cause) {
    throw new Invalid(`batch does not inflate: ${(cause as Error).message}`, { cause })
  }
}

/** What came from outside: of each column it is only known that it is one. */
type Unchecked = { [K in Exclude<keyof Columns, 't' | 'b'>]-?: unknown[] } & Pick<Columns, 't' | 'b'>

function columnsIn(text: string): Unchecked {
  const { t, b, s, f, d, i, v, e = [], q = [], l = [], m = [] } = parse(text)
  const columns = { s, f, d, i, v, e, q, l, m }
  for (const [name, column] of Object.entries(columns))
    if (!Array.isArray(column)) throw new Invalid(`batch: ${name} is no column`)
  if (!Number.isInteger(t)) throw new Invalid('batch: t is no time')
  if (!(b === undefined || (typeof b === 'string' && b.length <= maxBootLength)))
    throw new Invalid('batch: b names no start of a box')
  return { ...columns, t, ...(b === undefined ? {} : { b }) } as Unchecked
}

function parse(text: string): { [K in keyof Columns]?: unknown } {
  try {
    return Object(JSON.parse(text))
  } catch (cause) {
    throw new Invalid(`batch is not JSON: ${(cause as Error).message}`, { cause })
  }
}

function toBatches(
  { s, f }: Unchecked,
  readings: Reading[],
  textOf: (alias: number) => string | undefined,
): Runs[] {
  const next = new Map<unknown, number>()
  for (const [alias, first] of pairsIn(f)) next.set(alias, within(first, 1, Number.MAX_SAFE_INTEGER))
  let at = 0
  const takeRun = (alias: unknown, count: unknown): Run => {
    const source = textOf(alias as number)
    const first = next.get(alias)
    if (source === undefined || first === undefined) throw new Invalid('batch: a source is not named')
    const end = at + within(count, 0, readings.length - at)
    next.set(alias, first + end - at)
    const run = { source, first, readings: readings.slice(at, end) }
    at = end
    return run
  }
  const batches = s.map((batch): Runs => {
    if (!Array.isArray(batch) || batch.length % 2 !== 0)
      throw new Invalid('batch: a source without its number of readings')
    const runs: Runs = []
    for (let k = 0; k < batch.length; k += 2) runs.push(takeRun(batch[k], batch[k + 1]))
    return runs
  })
  if (at !== readings.length) throw new Invalid('batch: columns differ in length')
  return batches
}

function toReadings(columns: Unchecked, textOf: (alias: number) => string | undefined): Reading[] {
  const { t, d, i, v, q, l, m } = columns
  if (d.length !== i.length || v.length !== i.length) throw new Invalid('batch: columns differ in length')
  const scaled = scaledIn(columns.e)
  const readings: Reading[] = []
  let time = t
  let alias = 0
  for (let k = 0; k < i.length; k++) {
    alias += integer(i[k])
    time += integer(d[k])
    const point = textOf(alias)
    if (point === undefined) throw new Invalid(`batch: reading ${k} names no point`)
    if (!(Math.abs(time) <= lastDate)) throw new Invalid(`batch: reading ${k} has a time beyond all dates`)
    const value = valueIn(v[k], k, scaled?.get(alias))
    readings.push({ point, value, quality: statusCode.good, time })
  }
  const readingAt = (k: unknown) => readings[within(k, 0, readings.length - 1)] as Reading
  for (const [k, quality] of pairsIn(q)) readingAt(k).quality = within(quality, 0, 0xffffffff)
  for (const k of l) readingAt(k).value = toBigInt(readingAt(k).value, k)
  for (const [k, monotonic] of pairsIn(m))
    readingAt(k).monotonic = within(monotonic, 0, Number.MAX_SAFE_INTEGER)
  return readings
}

/** Of a point whose numbers were made whole: by which power of ten, and what they have come to. */
interface Scaled {
  factor: number
  sum: number
}

function valueIn(raw: unknown, k: number, scaled: Scaled | undefined): Value {
  if (typeof raw === 'number') {
    if (scaled === undefined && Number.isFinite(raw)) return raw
    if (scaled !== undefined && Number.isFinite(scaled.sum + raw)) {
      scaled.sum += raw
      return scaled.sum / scaled.factor
    }
  } else if (typeof raw === 'string' || typeof raw === 'boolean' || raw === null) return raw
  throw new Invalid(`batch: reading ${k} has no value`)
}

function scaledIn(groups: readonly unknown[]): Map<number, Scaled> | undefined {
  if (groups.length === 0) return undefined
  if (groups.length > maxScale + 1) throw new Invalid('batch: too many decimals')
  const scaled = new Map<number, Scaled>()
  for (const [scale, group] of groups.entries()) {
    if (!Array.isArray(group)) throw new Invalid('batch: a scale without its points')
    let alias = 0
    for (const step of group) {
      alias += integer(step)
      scaled.set(alias, { factor: 10 ** scale, sum: 0 })
    }
  }
  return scaled
}

function integer(given: unknown): number {
  if (!Number.isInteger(given)) throw new Invalid('batch: not a whole number')
  return given as number
}

function within(given: unknown, least: number, most: number): number {
  const number = integer(given)
  if (number < least || number > most) throw new Invalid('batch: a number is out of range')
  return number
}

function pairsIn(column: readonly unknown[]): [unknown, unknown][] {
  for (const pair of column)
    if (!Array.isArray(pair) || pair.length !== 2) throw new Invalid('batch: not a pair of numbers')
  return column as [unknown, unknown][]
}

function toBigInt(value: Value, k: unknown): bigint {
  if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) {
    const long = BigInt(value)
    if (BigInt.asIntN(64, long) === long) return long
  }
  throw new Invalid(`batch: reading ${k} is no 64-bit integer`)
}
