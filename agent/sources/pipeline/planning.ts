import { parser } from '../../../core/schema.ts'
import type { DataPoint, DataPointType } from '../../../protocol/data-source-configuration.ts'
import { intervalMs } from '../interval.ts'
import { type AggregatePoint, typesOf } from './aggregate.ts'
import type { FilterRule } from './filter.ts'
import { type Scaling, scalingOf } from './scale.ts'
import { type Aggregate, type Deadband, PointKeys, type Scale, splitCustomData } from './schema.ts'

/** What is done to the readings of a source between its protocol and the outbox. */
export interface PipelinePlan {
  /** Points without an entry go through as they are. */
  points: ReadonlyMap<string, PointPlan>
}

export interface PointPlan {
  type: DataPointType
  scaling?: Scaling
  filter?: FilterRule
  /** A deadband in percent of a range that only the device knows. */
  percent?: number
  isSent: boolean
  /** By length of the window: what is made of the point's samples. */
  windows: { lengthMs: number; aggregates: AggregatePoint[] }[]
}

/** A point as its protocol has to acquire it. */
export interface AcquiredPoint {
  /** Where it stands among the points of the source. */
  index: number
  id: string
  /** DOUBLE for a number that is scaled: the point's type is that of the result. */
  type: DataPointType
  customData: Record<string, unknown>
  keys: PointKeys
}

type Refuse = (index: number, key: string, message: string) => void

interface KeyedPoint extends DataPoint {
  index: number
  keys: PointKeys
  rest: Record<string, unknown>
}

/**
 * Takes the pipeline's keys out of customData of the points. `suppliesRange`: the protocol may say a
 * point's range at run time. Faults go to `refuse`; after any, the result is not to be used.
 */
export function planPipeline(
  dataPoints: readonly DataPoint[],
  suppliesRange: boolean,
  refuse: Refuse,
): { acquired: AcquiredPoint[]; plan: PipelinePlan | undefined } {
  const points = dataPoints.flatMap((point, index) => keyed(point, index, refuse) ?? [])
  const plans = new Map<string, PointPlan>()
  for (const point of points) {
    check(point, suppliesRange, refuse)
    if (Object.keys(point.keys).length > 0) plans.set(point.id, planOf(point))
  }
  const faulty = new Set(dataPoints.map(({ id }) => id))
  for (const { id } of points) faulty.delete(id)
  const byId = new Map(points.map((point) => [point.id, point]))
  for (const point of points)
    if (point.keys.aggregate && !faulty.has(point.keys.aggregate.of))
      addAggregate(point, point.keys.aggregate, byId, plans, refuse)
  for (const { id, index } of points)
    if (plans.get(id)?.isSent === false && plans.get(id)?.windows.length === 0)
      refuse(index, 'sent', 'no point is an aggregate of this one: it would be read for nothing')
  return {
    acquired: points.filter(({ keys }) => keys.aggregate === undefined).map(acquired),
    plan: plans.size > 0 ? { points: plans } : undefined,
  }
}

const keysParser = parser(PointKeys)

function keyed(point: DataPoint, index: number, refuse: Refuse): KeyedPoint | undefined {
  const { keys, rest } = splitCustomData(point.customData ?? {})
  const faults = keysParser.faults(keys)
  for (const { path, message } of faults) refuse(index, path.slice(1).replaceAll('/', '.'), message)
  return faults.length > 0 ? undefined : { ...point, index, keys, rest }
}

const acquired = ({ index, id, type, keys, rest }: KeyedPoint): AcquiredPoint => ({
  ...{ index, id, keys, customData: rest },
  type: keys.scale ? 'DOUBLE' : type,
})

const isNumber = (type: DataPointType): boolean => type === 'INT' || type === 'LONG' || type === 'DOUBLE'
const filterKeys = ['deadband', 'trigger', 'minInterval', 'maxInterval'] as const
const isFiltered = (keys: PointKeys): boolean => filterKeys.some((key) => keys[key] !== undefined)

function check({ index, type, keys, rest }: KeyedPoint, suppliesRange: boolean, refuse: Refuse): void {
  const { scale, deadband, trigger, minInterval, maxInterval, sent, aggregate } = keys
  for (const key of ['scale', 'deadband'] as const)
    if (keys[key] && !isNumber(type)) refuse(index, key, `is for INT, LONG and DOUBLE, not for ${type}`)
  if (scale) checkScale(scale, (key, message) => refuse(index, `scale${key}`, message))
  if (deadband) {
    checkDeadband(deadband, suppliesRange, (key, message) => refuse(index, `deadband${key}`, message))
    if (trigger === 'Status') refuse(index, 'deadband', 'has no effect with the trigger Status')
  }
  if (maxInterval !== undefined && intervalMs(maxInterval) < Math.max(1, intervalMs(minInterval ?? '0ms')))
    refuse(index, 'maxInterval', `"${maxInterval}" is too short; it is at least 1 ms and minInterval`)
  if (sent === false && isFiltered(keys))
    refuse(index, 'sent', 'false leaves nothing for deadband, trigger, minInterval and maxInterval to do')
  if (aggregate === undefined) return
  for (const key of Object.keys({ ...rest, ...(scale && { scale }), ...(sent !== undefined && { sent }) }))
    refuse(index, key, `is not for an aggregate; say it of "${aggregate.of}"`)
}

function checkScale(
  { factor, offset, from, to, clamp }: Scale,
  refuse: (key: string, message: string) => void,
) {
  const isLinear = factor !== undefined || offset !== undefined
  const isRange = from !== undefined || to !== undefined
  if (isLinear === isRange) refuse('', 'is either factor and offset, or from and to')
  else if (isRange && (from === undefined || to === undefined)) refuse('', 'needs both from and to')
  if (factor === 0) refuse('.factor', 'must not be 0')
  if (from !== undefined && from[0] === from[1]) refuse('.from', 'is empty')
  if (clamp !== undefined && !isRange) refuse('.clamp', 'is for from and to')
}

function checkDeadband(
  { type, value, range }: Deadband,
  suppliesRange: boolean,
  refuse: (key: string, message: string) => void,
): void {
  if (type === 'Absolute') {
    if (range !== undefined) refuse('.range', 'is for the type Percent')
    return
  }
  if (value > 100) refuse('.value', 'must be at most 100 percent')
  if (range === undefined && !suppliesRange) refuse('.range', 'missing: percent of what? [low, high]')
  if (range !== undefined && range[0] >= range[1]) refuse('.range', 'must be [low, high]')
}

const heartbeatMs = 60_000

function planOf({ type, keys }: KeyedPoint): PointPlan {
  const { scale, deadband, sent = true } = keys
  return {
    ...{ type, isSent: sent, windows: [] },
    ...(scale && { scaling: scalingOf(scale) }),
    ...(isFiltered(keys) && { filter: filterOf(keys) }),
    ...(deadband?.type === 'Percent' && deadband.range === undefined && { percent: deadband.value }),
  }
}

function filterOf({
  deadband,
  trigger = 'StatusValue',
  minInterval = '0ms',
  maxInterval,
}: PointKeys): FilterRule {
  const minIntervalMs = intervalMs(minInterval)
  const band = deadband && bandOf(deadband)
  return {
    ...{ trigger, minIntervalMs },
    maxIntervalMs: maxInterval === undefined ? Math.max(heartbeatMs, minIntervalMs) : intervalMs(maxInterval),
    ...(band !== undefined && { band }),
  }
}

/** Undefined while the range is not known. */
function bandOf({ type, value, range }: Deadband): number | undefined {
  if (type === 'Absolute') return value
  return range && percentOf(value, range)
}

export const percentOf = (percent: number, [low, high]: readonly [number, number]): number =>
  (percent / 100) * (high - low)

function addAggregate(
  { index, id, type }: KeyedPoint,
  { of, function: name, window }: Aggregate,
  points: ReadonlyMap<string, KeyedPoint>,
  plans: Map<string, PointPlan>,
  refuse: Refuse,
): void {
  const source = points.get(of)
  const lengthMs = intervalMs(window)
  const aggregate = { id, type, function: name }
  if (lengthMs === 0) refuse(index, 'aggregate.window', 'must be at least 1 ms')
  if (source === undefined || source.keys.aggregate !== undefined) {
    refuse(index, 'aggregate.of', `"${of}" is no acquired point of this data source`)
    return
  }
  const types = typesOf(name, source.type)
  if (types.length === 0)
    refuse(index, 'aggregate.function', `${name} is for numbers; "${of}" is ${source.type}`)
  else if (!types.includes(type))
    refuse(index, 'aggregate.function', `${name} fits a point of type ${types.join(', ')}, not ${type}`)
  const plan = plans.get(of) ?? planOf(source)
  plans.set(of, plan)
  const found = plan.windows.find((each) => each.lengthMs === lengthMs)
  if (found) found.aggregates.push(aggregate)
  else plan.windows.push({ lengthMs, aggregates: [aggregate] })
}
