import type { DataPointType } from '../../protocol/data-source-configuration.ts'
import { statusCode, type Value } from '../../protocol/reading.ts'
import { parseTimestamp } from '../../protocol/timestamp.ts'

/** A raw value as its data point's type takes it. What does not fit is Bad, never dropped. */
export interface Typed {
  value: Value
  /** OPC UA StatusCode. */
  quality: number
  /** Why the quality is not Good; snake_case, counted in the status. */
  reason?: string
}

/**
 * | raw                    | INT                      | LONG                        | DOUBLE       | BOOLEAN | STRING    |
 * | ---------------------- | ------------------------ | --------------------------- | ------------ | ------- | --------- |
 * | whole number, also 1.0 | −2³¹ … 2³¹−1 or range    | −2⁶³ … 2⁶³−1, exact, or range | yes        | type    | type      |
 * | number with a fraction | type                     | type                        | yes          | type    | type      |
 * | number beyond a double | range                    | range                       | range        | type    | type      |
 * | true, false            | type                     | type                        | type         | yes     | type      |
 * | text, also "12"        | type                     | type                        | type         | type    | ≤ 255 or range |
 * | null                   | no value                 | no value                    | no value     | no value | no value |
 * | object, array          | type                     | type                        | type         | type    | type      |
 *
 * BIG_STRING is as STRING with ≤ 100 000; TIMESTAMP takes text in ISO 8601 with a zone, as it is.
 * type = BadTypeMismatch, range = BadOutOfRange, no value = BadNoData. Text is not parsed and numbers
 * are not rounded: a wrong type is a fault of the configuration that a guess would hide.
 * A whole number beyond 2^53 reaches LONG exactly only as a bigint; as a number its last digits are
 * already lost, so it is out of range.
 */
export function typed(raw: unknown, type: DataPointType): Typed {
  if (raw === null || raw === undefined) return bad('no_value', statusCode.badNoData)
  return takes[type](raw)
}

export const bad = (reason: string, quality: number): Typed => ({ value: null, quality, reason })

const good = (value: Value): Typed => ({ value, quality: statusCode.good })
const mismatch = (): Typed => bad('type_mismatch', statusCode.badTypeMismatch)
const outOfRange = (): Typed => bad('out_of_range', statusCode.badOutOfRange)

const maxText = 255
const maxBigText = 100_000
const maxInt = 2 ** 31
const maxLong = 2n ** 63n

const takes: Record<DataPointType, (raw: unknown) => Typed> = {
  INT: (raw) => whole(raw, (value) => value >= -maxInt && value < maxInt),
  LONG: (raw) =>
    whole(raw, (value) =>
      typeof value === 'bigint' ? value >= -maxLong && value < maxLong : Number.isSafeInteger(value),
    ),
  DOUBLE(raw) {
    if (typeof raw !== 'number' && typeof raw !== 'bigint') return mismatch()
    return Number.isFinite(Number(raw)) ? good(Number(raw)) : outOfRange()
  },
  BOOLEAN: (raw) => (typeof raw === 'boolean' ? good(raw) : mismatch()),
  STRING: (raw) => text(raw, maxText),
  BIG_STRING: (raw) => text(raw, maxBigText),
  TIMESTAMP: (raw) => (typeof raw === 'string' && parseTimestamp(raw) !== undefined ? good(raw) : mismatch()),
}

function text(raw: unknown, maxLength: number): Typed {
  if (typeof raw !== 'string') return mismatch()
  return raw.length <= maxLength ? good(raw) : outOfRange()
}

function whole(raw: unknown, inRange: (value: number | bigint) => boolean): Typed {
  if (typeof raw !== 'number' && typeof raw !== 'bigint') return mismatch()
  if (typeof raw === 'number' && !Number.isInteger(raw))
    return Number.isFinite(raw) ? mismatch() : outOfRange()
  if (!inRange(raw)) return outOfRange()
  return good(narrowest(raw))
}

/** A bigint only where a number would lose digits; and no negative zero. */
const narrowest = (value: number | bigint): number | bigint =>
  typeof value === 'bigint' && !Number.isSafeInteger(Number(value)) ? value : Number(value) + 0
