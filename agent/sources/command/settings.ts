import Type from 'typebox'
import { checkPlace, placeInDocument } from '../document.ts'
import { Interval, intervalMs } from '../interval.ts'
import type { Configured, Limits, Refuse } from '../source.ts'

export const Source = Type.Object(
  {
    /** The program, by its path; no shell reads it. */
    command: Type.String({ pattern: '^/[^\\0]+$', maxLength: 4096 }),
    /** Each reaches the program as it is. */
    arguments: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^\\0]*$', maxLength: 8192 }), { maxItems: 64 }),
    ),
    /** 60 s unless told. */
    interval: Type.Optional(Interval),
    /** After it the program and all that it started is killed; 10 s unless told. */
    timeout: Type.Optional(Interval),
  },
  { additionalProperties: false },
)

export const Point = Type.Object(
  {
    ...placeInDocument,
    /** The value is the exit code; with such a point in the source, no exit code is a failure. */
    exitCode: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
)

export function check(
  { custom, points }: Configured<typeof Source, typeof Point>,
  refuse: Refuse,
  { minIntervalMs }: Limits,
): void {
  const { interval, timeout } = custom
  if (interval !== undefined && intervalMs(interval) < minIntervalMs)
    refuse(undefined, 'interval', `"${interval}" is shorter than sources.min_interval, ${minIntervalMs} ms`)
  if (timeout !== undefined && (intervalMs(timeout) < 10 || intervalMs(timeout) > 3_600_000))
    refuse(undefined, 'timeout', `"${timeout}" is not between 10ms and 1h`)
  for (const [index, { type, custom: place }] of points.entries()) {
    checkPlace(index, place, refuse)
    if (!place.exitCode) continue
    if (!['INT', 'LONG', 'DOUBLE'].includes(type))
      refuse(index, 'exitCode', `fits a point of type INT, LONG, DOUBLE, not ${type}`)
    for (const key of ['pointer', 'timePointer', 'item'] as const)
      if (place[key] !== undefined) refuse(index, key, 'is not for the exit code')
  }
}
