import Type, { type Static } from 'typebox'
import { Interval } from '../interval.ts'

const Range = Type.Tuple([Type.Number(), Type.Number()])

/** `factor` and `offset`, or `from` and `to`: raw 4 … 20 becomes 0 … 100. */
const Scale = Type.Object(
  {
    factor: Type.Optional(Type.Number()),
    offset: Type.Optional(Type.Number()),
    from: Type.Optional(Range),
    to: Type.Optional(Range),
    /** What lies beyond `from` becomes the nearer end of `to`. */
    clamp: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type Scale = Static<typeof Scale>

/** What differs by no more from the value that was sent last is held back. */
const Deadband = Type.Object(
  {
    type: Type.Enum(['Absolute', 'Percent']),
    /** In the unit of the point, or in percent of the range. */
    value: Type.Number({ minimum: 0 }),
    range: Type.Optional(Range),
  },
  { additionalProperties: false },
)
export type Deadband = Static<typeof Deadband>

/** OPC UA's words for what, when it changes, lets a reading pass. */
export const triggers = ['Status', 'StatusValue', 'StatusValueTimestamp'] as const
export type Trigger = (typeof triggers)[number]

/** OPC UA's words; the standard deviation is that of a sample (n − 1). */
export const aggregateFunctions = ['Average', 'Minimum', 'Maximum', 'Count', 'StandardDeviation'] as const
export type AggregateFunction = (typeof aggregateFunctions)[number]

/** The point is acquired from no device: it is what a function makes of another point of its source. */
const Aggregate = Type.Object(
  {
    /** Id of that point. */
    of: Type.String({ minLength: 1 }),
    function: Type.Enum(aggregateFunctions),
    window: Interval,
  },
  { additionalProperties: false },
)
export type Aggregate = Static<typeof Aggregate>

/** What customData of a point of any protocol may say beside the keys of the protocol. */
export const PointKeys = Type.Object(
  {
    scale: Type.Optional(Scale),
    deadband: Type.Optional(Deadband),
    trigger: Type.Optional(Type.Enum(triggers)),
    /** No two readings of the point are sent in less, but for a change of status. */
    minInterval: Type.Optional(Interval),
    /** The newest value is sent at least this often, as long as it is read. */
    maxInterval: Type.Optional(Interval),
    /** false: the point is there for its aggregates alone. */
    sent: Type.Optional(Type.Boolean()),
    aggregate: Type.Optional(Aggregate),
  },
  { additionalProperties: false },
)
export type PointKeys = Static<typeof PointKeys>

/** Parts customData of a point into what is the pipeline's and what is the protocol's. */
export function splitCustomData(customData: Readonly<Record<string, unknown>>): {
  keys: Record<string, unknown>
  rest: Record<string, unknown>
} {
  const keys: Record<string, unknown> = {}
  const rest: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(customData))
    (Object.hasOwn(PointKeys.properties, key) ? keys : rest)[key] = value
  return { keys, rest }
}
