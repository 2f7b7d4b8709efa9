import Type, { type Static } from 'typebox'
import { checkPlace, placeInDocument } from '../document.ts'
import { Interval, intervalMs } from '../interval.ts'
import type { Configured, ConfiguredPoint, Limits, Refuse } from '../source.ts'

const Group = Type.String({ pattern: '^[A-Za-z_$][A-Za-z0-9_$]*$' })

export const Source = Type.Object(
  {
    path: Type.String({ pattern: '^/[^\\0]+$', maxLength: 4096 }),
    /** A regular expression with named groups: "^(?<time>\\S+) t=(?<t>[\\d.]+)". Without it each line is JSON. */
    pattern: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    /** The group that holds the time of a line: ISO 8601, or a number since 1970. */
    timeGroup: Type.Optional(Group),
    /** Of a time that is a number; "ms" unless told. */
    timeUnit: Type.Optional(Type.Enum(['s', 'ms'])),
    /** Of a time that names no zone: "+01:00". Without it such a time is none. */
    utcOffset: Type.Optional(Type.String({ pattern: '^[+-]\\d\\d:\\d\\d$' })),
    /** Where to begin in a file that was never read; "end" unless told. */
    from: Type.Optional(Type.Enum(['start', 'end'])),
    encoding: Type.Optional(Type.Enum(['utf-8', 'latin1'])),
    /** How often to look for new lines; 1 s unless told. */
    interval: Type.Optional(Interval),
  },
  { additionalProperties: false },
)
export type SourceSettings = Static<typeof Source>

export const Point = Type.Object(
  {
    /** The group of `pattern` that holds the value. */
    group: Type.Optional(Group),
    ...placeInDocument,
  },
  { additionalProperties: false },
)
export type FilePoint = ConfiguredPoint<typeof Point>

export function check(
  { custom, points }: Configured<typeof Source, typeof Point>,
  refuse: Refuse,
  { minIntervalMs }: Limits,
): void {
  const { interval, pattern } = custom
  if (interval !== undefined && intervalMs(interval) < minIntervalMs)
    refuse(undefined, 'interval', `"${interval}" is shorter than sources.min_interval, ${minIntervalMs} ms`)
  if (pattern === undefined) checkJson(custom, points, refuse)
  else checkPattern(pattern, custom, points, refuse)
}

function checkJson(custom: SourceSettings, points: readonly FilePoint[], refuse: Refuse): void {
  for (const key of ['timeGroup', 'timeUnit', 'utcOffset'] as const)
    if (custom[key] !== undefined)
      refuse(undefined, key, 'needs a pattern; of JSON say timePointer of a point')
  for (const [index, point] of points.entries()) {
    if (point.custom.group !== undefined) refuse(index, 'group', 'needs a pattern at the data source')
    checkPlace(index, point.custom, refuse)
  }
}

function checkPattern(
  pattern: string,
  { timeGroup, timeUnit, utcOffset }: SourceSettings,
  points: readonly FilePoint[],
  refuse: Refuse,
): void {
  const groups = groupsOf(pattern)
  if (typeof groups === 'string') {
    refuse(undefined, 'pattern', groups)
    return
  }
  const missing = (name: string) =>
    `the pattern has no group "${name}"; it has ${groups.join(', ') || 'none'}`
  if (timeGroup !== undefined && !groups.includes(timeGroup))
    refuse(undefined, 'timeGroup', missing(timeGroup))
  for (const [key, value] of Object.entries({ timeUnit, utcOffset }))
    if (value !== undefined && timeGroup === undefined) refuse(undefined, key, 'needs timeGroup')
  for (const [index, { custom }] of points.entries()) {
    if (custom.group === undefined) refuse(index, 'group', 'missing; the data source has a pattern')
    else if (!groups.includes(custom.group)) refuse(index, 'group', missing(custom.group))
    for (const key of ['pointer', 'timePointer', 'item'] as const)
      if (custom[key] !== undefined) refuse(index, key, 'is for JSON, without a pattern')
  }
}

/** What is wrong with the pattern, else the names of its groups. */
function groupsOf(pattern: string): string[] | string {
  try {
    // The empty alternative matches, and a match names all groups.
    return Object.keys(new RegExp(`${pattern}|`, 'u').exec('')?.groups ?? {})
  } catch (error) {
    return (error as Error).message
  }
}
