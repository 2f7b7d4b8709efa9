import Type from 'typebox'
import { type Stamp, statusCode } from '../../../protocol/reading.ts'
import type { Message } from '../message.ts'
import type { ConfiguredPoint, Sample } from '../source.ts'
import { bad, type Typed, typed } from '../typed.ts'

const Pointer = Type.String({ maxLength: 1024 })

/** How a data point reads a message. */
export const Point = Type.Object(
  {
    topic: Type.String({ minLength: 1, maxLength: 65_535 }),
    /** RFC 6901: where the value stands in a JSON payload. Without it the whole payload is the value. */
    pointer: Type.Optional(Pointer),
    /** Where the source time stands: RFC 3339 text or epoch milliseconds. Without it: the time of receipt. */
    timePointer: Type.Optional(Pointer),
  },
  { additionalProperties: false },
)
type MqttPoint = ConfiguredPoint<typeof Point>

export function readMessage(message: Message, point: MqttPoint, received: Stamp): Sample {
  const value = valueIn(message, point)
  const { timePointer } = point.custom
  if (timePointer === undefined) return { point: point.id, ...value, ...received }
  const time = timeIn(message, timePointer)
  if (time !== undefined) return { point: point.id, ...value, time }
  // The value is sound, only when it was taken is not known: Uncertain, unless it is Bad already.
  const doubt = value.reason === undefined ? { quality: statusCode.uncertain, reason: 'no_source_time' } : {}
  return { point: point.id, ...value, ...doubt, ...received }
}

function valueIn(message: Message, { type, custom: { pointer } }: MqttPoint): Typed {
  if (pointer === undefined && type === 'STRING') {
    const text = message.text()
    return text === undefined ? bad('not_utf8', statusCode.badDecodingError) : typed(text, type)
  }
  const json = message.json()
  if (json === undefined)
    return bad(message.text() === undefined ? 'not_utf8' : 'not_json', statusCode.badDecodingError)
  const found = resolve(json.document, pointer ?? '')
  return found === undefined ? bad('not_found', statusCode.badNoData) : typed(found.value, type)
}

function timeIn(message: Message, pointer: string): number | undefined {
  const json = message.json()
  const raw = json && resolve(json.document, pointer)?.value
  if (typeof raw === 'number') return raw >= 0 && raw <= 8.64e15 ? Math.round(raw) : undefined
  if (typeof raw !== 'string' || !rfc3339.test(raw)) return undefined
  const time = Date.parse(raw)
  return Number.isNaN(time) ? undefined : time
}

/** With a zone: local time without one would be read in the zone of this box. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** RFC 6901. Undefined when there is nothing at the pointer. */
function resolve(document: unknown, pointer: string): { value: unknown } | undefined {
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
