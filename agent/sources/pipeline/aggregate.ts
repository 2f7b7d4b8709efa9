import type { DataPointType } from '../../../protocol/data-source-configuration.ts'
import { statusCode, type Value } from '../../../protocol/reading.ts'
import type { Sample } from '../source.ts'
import { bad, typed } from '../typed.ts'
import type { AggregateFunction } from './schema.ts'
import type { Window } from './window.ts'

/** A point whose readings are made of those of another. */
export interface AggregatePoint {
  id: string
  type: DataPointType
  function: AggregateFunction
}

/**
 * The reading of a window; its time is the window's start (OPC UA Part 13). Only Good samples count.
 * Uncertain says that some were not, or that the window was not watched whole.
 */
export function aggregated({ id, type, function: name }: AggregatePoint, window: Window): Sample {
  const { stamp, good, notGood, isPartial } = window
  if (good === 0) return { point: id, ...bad('no_good_value', statusCode.badNoData), ...stamp }
  const result = typed(functions[name](window), type)
  if (result.quality !== statusCode.good) return { point: id, ...result, ...stamp }
  const doubt = isPartial ? partial : notGood > 0 ? subNormal : undefined
  return { point: id, ...result, ...doubt, ...stamp }
}

const partial = { quality: statusCode.uncertain, reason: 'partial_window' }
const subNormal = { quality: statusCode.uncertainDataSubNormal, reason: 'not_all_good' }

const functions: Readonly<Record<AggregateFunction, (window: Window) => Value>> = {
  Average: ({ mean }) => mean,
  Minimum: ({ minimum }) => minimum,
  Maximum: ({ maximum }) => maximum,
  Count: ({ good }) => good,
  StandardDeviation: ({ squares, good }) => (good < 2 ? 0 : Math.sqrt(squares / (good - 1))),
}

const whole: readonly DataPointType[] = ['INT', 'LONG', 'DOUBLE']

/** The types that a point may have which is this function of one of that type; none: it has no such function. */
export function typesOf(name: AggregateFunction, of: DataPointType): readonly DataPointType[] {
  if (name === 'Count') return whole
  if (!whole.includes(of)) return []
  if (name === 'Average' || name === 'StandardDeviation') return ['DOUBLE']
  return whole.slice(whole.indexOf(of))
}
