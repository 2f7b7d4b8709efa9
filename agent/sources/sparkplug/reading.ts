import Type, { type Static } from 'typebox'
import { stringifyExact } from '../../../core/json.ts'
import { type Stamp, statusCode } from '../../../protocol/reading.ts'
import { resolve } from '../document.ts'
import type { ConfiguredPoint } from '../source.ts'
import { bad, type Typed, typed } from '../typed.ts'
import { datatype, jsonOf } from './datatype.ts'
import type { Metric } from './payload.ts'

const Level = Type.String({ minLength: 1, maxLength: 1024, pattern: '^[^/+#]+$' })

/** Which metric a data point is. */
export const placeAtNode = {
  group: Type.Optional(Level),
  node: Type.Optional(Level),
  /** Without it: a metric of the node itself. */
  device: Type.Optional(Level),
  /** Its name: "Inputs/Pressure". */
  metric: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
}
const PlaceAtNode = Type.Object(placeAtNode)

export interface BoundPoint extends Pick<ConfiguredPoint, 'id' | 'type'> {
  custom: Static<typeof PlaceAtNode> & {
    group: string
    node: string
    metric: string
    /** Into an array, a data set or a template. */
    pointer?: string
  }
}

export function readMetric(metric: Metric, type: number | undefined, point: BoundPoint): Typed {
  if (metric.isNull || metric.value === undefined) return bad('no_value', statusCode.badNoData)
  const value = toPoint(metric, type, point)
  if (value.reason !== undefined || metric.quality === undefined || metric.quality === 192) return value
  if (metric.quality === 500) return { ...value, quality: statusCode.uncertain, reason: 'stale' }
  return bad('bad_at_source', statusCode.bad)
}

function toPoint({ value: wire }: Metric, type: number | undefined, { type: to, custom }: BoundPoint): Typed {
  try {
    const found = resolve(jsonOf(wire as NonNullable<typeof wire>, type), custom.pointer ?? '')
    return found ? typed(fitting(found.value, type, to), to) : bad('not_found', statusCode.badNoData)
  } catch {
    return bad('other_data_type', statusCode.badDecodingError)
  }
}

/** A time as text where the point is one; arrays, data sets and templates as the text of their JSON. */
function fitting(value: unknown, type: number | undefined, to: BoundPoint['type']): unknown {
  if (type === datatype.dateTime && to === 'TIMESTAMP' && typeof value === 'number' && value <= lastTime)
    return new Date(value).toISOString()
  const isText = to === 'STRING' || to === 'BIG_STRING'
  return isText && typeof value === 'object' && value !== null ? stringifyExact(value) : value
}

/** That a Date can say. */
const lastTime = 8.64e15

/** Without a time of its own a value has that of its receipt. */
export function timeOf(
  told: bigint | undefined,
  value: Typed,
  received: Stamp,
): Stamp & Partial<Pick<Typed, 'quality' | 'reason'>> {
  if (told === undefined) return received
  if (told <= BigInt(lastTime)) return { time: Number(told) }
  const doubt = value.reason === undefined ? { quality: statusCode.uncertain, reason: 'no_source_time' } : {}
  return { ...received, ...doubt }
}
