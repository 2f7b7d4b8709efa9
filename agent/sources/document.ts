import Type, { type Static } from 'typebox'
import type { DataPointType } from '../../protocol/data-source-configuration.ts'
import { type Stamp, statusCode } from '../../protocol/reading.ts'
import { Interval, intervalMs } from './interval.ts'
import type { Message } from './message.ts'
import type { Refuse, Sample } from './source.ts'
import { bad, type Typed, typed } from './typed.ts'

const Pointer = Type.String({ maxLength: 1024 })

/** Where a data point finds its value in a text or JSON document. */
export const placeInDocument = {
  /** RFC 6901: where the value stands in JSON. Without it the whole document is the value. */
  pointer: Type.Optional(Pointer),
  /** Where the source time stands: RFC 3339 text or epoch milliseconds. Without it: the time of receipt. */
  timePointer: Type.Optional(Pointer),
  /** Of a value that is an array, whose elements are readings each. */
  item: Type.Optional(
    Type.Object(
      {
        /** Where the value of an element that is an object stands; "/value" unless told. */
        pointer: Type.Optional(Pointer),
        /** Where its time stands; "/time" unless told. */
        timePointer: Type.Optional(Pointer),
        /** Between elements that are plain values; the time of the document is that of the last one. */
        period: Type.Optional(Interval),
      },
      { additionalProperties: false },
    ),
  ),
}
const PlaceInDocument = Type.Object(placeInDocument)
export type PlaceInDocument = Static<typeof PlaceInDocument>

export interface DocumentPoint {
  id: string
  type: DataPointType
  custom: PlaceInDocument
}

export function checkPlace(index: number, { pointer, timePointer, item }: PlaceInDocument, refuse: Refuse) {
  refuseBadPointer(index, 'pointer', pointer, refuse)
  refuseBadPointer(index, 'timePointer', timePointer, refuse)
  refuseBadPointer(index, 'item.pointer', item?.pointer, refuse)
  refuseBadPointer(index, 'item.timePointer', item?.timePointer, refuse)
}

export function refuseBadPointer(
  index: number,
  key: string,
  pointer: string | undefined,
  refuse: Refuse,
): void {
  if (pointer !== undefined && !/^(\/([^~/]|~[01])*)*$/.test(pointer))
    refuse(index, key, `${JSON.stringify(pointer)} is no JSON pointer; for example "/value"`)
}

/** One sample; of an array one for each element. */
export function readDocument(message: Message, point: DocumentPoint, received: Stamp): Sample[] {
  const { pointer, timePointer } = point.custom
  const found = valueIn(message, point.type, pointer)
  const document = message.json()?.document
  const time = timePointer === undefined ? undefined : { at: timeIn(document, timePointer) }
  if (!('raw' in found)) return [sample(point.id, found, time, received)]
  if (!Array.isArray(found.raw)) return [sample(point.id, typed(found.raw, point.type), time, received)]
  if (found.raw.length > maxItems)
    return [sample(point.id, bad('too_many', statusCode.badOutOfRange), time, received)]
  return items(found.raw, point, time, received)
}

/** What one message may bring for one point. */
const maxItems = 10_000

/** Undefined: no time is looked for. `at` undefined: it is not there, or no time. */
type Found = { at: number | undefined } | undefined

function items(raws: readonly unknown[], point: DocumentPoint, time: Found, received: Stamp): Sample[] {
  const { pointer = '/value', timePointer, period } = point.custom.item ?? {}
  const periodMs = period === undefined ? 0 : intervalMs(period)
  return raws.map((raw, index) => {
    if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
      const value = resolve(raw, pointer)
      const own = resolve(raw, timePointer ?? '/time')
      const itemTime = timePointer === undefined && own === undefined ? time : { at: asTime(own?.value) }
      return sample(point.id, value ? typed(value.value, point.type) : notFound(), itemTime, received)
    }
    const before = (raws.length - 1 - index) * periodMs
    return sample(point.id, typed(raw, point.type), earlier(time, before), earlierStamp(received, before))
  })
}

const earlier = (time: Found, ms: number): Found => time && { at: time.at && time.at - ms }

const earlierStamp = ({ time, monotonic }: Stamp, ms: number): Stamp => ({
  time: time - ms,
  ...(monotonic === undefined ? {} : { monotonic: monotonic - ms }),
})

function sample(point: string, value: Typed, time: Found, received: Stamp): Sample {
  if (time === undefined) return { point, ...value, ...received }
  if (time.at !== undefined) return { point, ...value, time: time.at }
  // The value is sound, only when it was taken is not known: Uncertain, unless it is Bad already.
  const doubt = value.reason === undefined ? { quality: statusCode.uncertain, reason: 'no_source_time' } : {}
  return { point, ...value, ...doubt, ...received }
}

function valueIn(
  message: Message,
  type: DataPointType,
  pointer: string | undefined,
): Typed | { raw: unknown } {
  if (pointer === undefined && (type === 'STRING' || type === 'BIG_STRING')) {
    const text = message.text()
    return text === undefined ? bad('not_utf8', statusCode.badDecodingError) : typed(text, type)
  }
  const json = message.json()
  if (json === undefined)
    return bad(message.text() === undefined ? 'not_utf8' : 'not_json', statusCode.badDecodingError)
  const found = resolve(json.document, pointer ?? '')
  return found === undefined ? notFound() : { raw: found.value }
}

const notFound = (): Typed => bad('not_found', statusCode.badNoData)

const timeIn = (document: unknown, pointer: string): number | undefined =>
  asTime(resolve(document, pointer)?.value)

/** RFC 3339 text or epoch milliseconds. */
export function asTime(raw: unknown): number | undefined {
  if (typeof raw === 'number') return raw >= 0 && raw <= 8.64e15 ? Math.round(raw) : undefined
  if (typeof raw !== 'string' || !rfc3339.test(raw)) return undefined
  const time = Date.parse(raw)
  return Number.isNaN(time) ? undefined : time
}

/** With a zone: local time without one would be read in the zone of this box. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** RFC 6901. Undefined when there is nothing at the pointer. */
export function resolve(document: unknown, pointer: string): { value: unknown } | undefined {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined
    if (!Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return { value }
}
