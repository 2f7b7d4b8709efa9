import type { DataPoint, DataPointType, DataSource } from '../../protocol/data-source-configuration.ts'
import type { Reading, Value } from '../../protocol/reading.ts'
import { parseTimestamp } from '../../protocol/timestamp.ts'
import type { TimeSeriesRecord } from './items.ts'

/** What of an upload can be stored; what cannot, in the shape it came in, and why. */
export interface Sorted {
  readings: Reading[]
  refused: TimeSeriesRecord[]
  /** Each once. */
  reasons: string[]
}

/** Reads every value as the type of its data point. */
export function sortRecords(records: readonly TimeSeriesRecord[], sources: readonly DataSource[]): Sorted {
  const points = new Map(sources.flatMap(({ dataPoints }) => dataPoints).map((point) => [point.id, point]))
  const readings: Reading[] = []
  const refused: TimeSeriesRecord[] = []
  const reasons = new Set<string>()
  for (const { timestamp, values } of records) {
    const time = parseTimestamp(timestamp)
    const bad = values.filter((value) => {
      const read =
        time === undefined ? 'a timestamp is not ISO 8601 with a zone' : toReading(value, time, points)
      if (typeof read === 'string') reasons.add(read)
      else readings.push(read)
      return typeof read === 'string'
    })
    if (bad.length > 0) refused.push({ timestamp, values: bad })
  }
  return { readings, refused, reasons: [...reasons] }
}

type GivenValue = TimeSeriesRecord['values'][number]

/** A reason instead, when the value cannot be stored. */
function toReading(
  { dataPointId, value: given, qualityCode }: GivenValue,
  time: number,
  points: ReadonlyMap<string, DataPoint>,
): Reading | string {
  const point = points.get(dataPointId)
  if (!point) return `the data point ${dataPointId} is not configured`
  const value = read[point.type](given)
  if (value === undefined) return `a value of the data point ${dataPointId} is no ${point.type}`
  const quality = toQuality(qualityCode ?? 0)
  if (quality === undefined) return `a quality code of the data point ${dataPointId} is no OPC UA status`
  return { point: dataPointId, value, quality, time }
}

/** OPC UA StatusCode: text is hexadecimal, "0" as well as "00000000". */
function toQuality(code: string | number): number | undefined {
  if (typeof code === 'string')
    return /^(0x)?[\da-f]{1,8}$/i.test(code) ? Number.parseInt(code, 16) : undefined
  return Number.isInteger(code) && code >= 0 && code <= 0xffffffff ? code : undefined
}

type Read = (given: GivenValue['value']) => Value | undefined

const read: Record<DataPointType, Read> = {
  INT: (given) => whole(given, 32),
  LONG: (given) => whole(given, 64),
  DOUBLE(given) {
    const isNumber = typeof given === 'number' || (typeof given === 'string' && decimal.test(given.trim()))
    return isNumber && Number.isFinite(Number(given)) ? Number(given) : undefined
  },
  BOOLEAN: (given) =>
    /^true$/i.test(String(given)) ? true : /^false$/i.test(String(given)) ? false : undefined,
  STRING: (given) => text(given, 255),
  BIG_STRING: (given) => text(given, 100_000),
  TIMESTAMP: (given) =>
    typeof given === 'string' && parseTimestamp(given) !== undefined ? given : undefined,
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** A bigint only where a number would lose digits. */
function whole(given: GivenValue['value'], bits: number): number | bigint | undefined {
  const digits = String(given).trim()
  if (typeof given === 'boolean' || !/^[+-]?\d{1,19}$/.test(digits)) return undefined
  const value = BigInt(digits.replace(/^\+/, ''))
  if (BigInt.asIntN(bits, value) !== value) return undefined
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

const text = (given: GivenValue['value'], maxLength: number): string | undefined =>
  String(given).length <= maxLength ? String(given) : undefined
