import { intervalMs } from '../interval.ts'
import type { ConfiguredPoint } from '../source.ts'
import type { Item, Subscribed } from './messages.ts'
import type { Point, SourceSettings } from './settings.ts'

export type OpcuaPoint = ConfiguredPoint<typeof Point>

const publishingDefault = '500ms'

export const publishingMsOf = ({ publishingInterval = publishingDefault }: SourceSettings): number =>
  intervalMs(publishingInterval)

/** What the server is asked to watch for a point. */
export function itemOf(point: OpcuaPoint, source: SourceSettings): Item {
  const { nodeId, indexRange, samplingInterval, queueSize = 10 } = point.custom
  const deadband = bandForServer(point)
  return {
    ...{ nodeId, indexRange, queueSize, deadband },
    samplingMs: samplingInterval === undefined ? publishingMsOf(source) : intervalMs(samplingInterval),
    withTime: point.pipeline?.trigger === 'StatusValueTimestamp',
    wantsRange: point.pipeline?.deadband?.type === 'Percent' && point.pipeline.deadband.range === undefined,
  }
}

/**
 * The server compares with what it told last, and our own filter with what was sent last. Handed on is a
 * deadband only where the two are the same: nothing else is made of the values than to send them.
 */
function bandForServer({ pipeline, isAggregated }: OpcuaPoint): Item['deadband'] {
  const { deadband, scale, minInterval, trigger } = pipeline ?? {}
  if (!deadband || deadband.value === 0 || scale || minInterval || isAggregated) return undefined
  if (trigger === 'StatusValueTimestamp') return undefined
  const { type, value, range } = deadband
  if (type === 'Percent' && range) return { type: 'Absolute', value: (value / 100) * (range[1] - range[0]) }
  return { type, value }
}

/** After how long a point that the server tells nothing of is read. */
export const silenceMsOf = ({ pipeline }: OpcuaPoint): number => intervalMs(pipeline?.maxInterval ?? '60s')

/** What the server knows of the raw value, in the unit of the point. */
export function rangeInUnit(
  { pipeline }: OpcuaPoint,
  { low, high }: { low: number; high: number },
): [low: number, high: number] {
  const { factor = 1, offset = 0, from, to } = pipeline?.scale ?? {}
  const scaled = (raw: number) =>
    from && to ? to[0] + ((raw - from[0]) * (to[1] - to[0])) / (from[1] - from[0]) : raw * factor + offset
  const [a, b] = [scaled(low), scaled(high)]
  return a < b ? [a, b] : [b, a]
}

/** What the server did not grant, for the status; undefined when it granted all. */
export function noteOf(points: readonly OpcuaPoint[], { refused, notes }: Subscribed): string | undefined {
  if (refused !== undefined)
    return `the server refuses subscriptions (${refused}): it is polled each interval instead`
  const of = (what: Subscribed['notes'][number]['what']) =>
    notes.filter((note) => note.what === what).map(({ item }) => points[item]?.id ?? '')
  const parts = [
    sentence(
      of('percent_without_range'),
      'the server knows no range (EURange), so that each change is sent; give the deadband a range',
    ),
    sentence(of('deadband_refused'), 'the server takes no deadband; it is applied here'),
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : parts.join('. ')
}

function sentence([first, ...more]: string[], text: string): string | undefined {
  if (first === undefined) return undefined
  return `${first}${more.length === 0 ? '' : ` (and ${more.length} more points)`}: ${text}`
}
