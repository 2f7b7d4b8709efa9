import { statusCode } from '../../../protocol/reading.ts'
import type { ConfiguredPoint, Sample, SourceContext } from '../source.ts'
import { bad, type Typed, typed } from '../typed.ts'
import { snakeCase } from './faults.ts'
import type { WireValue } from './messages.ts'

/** Makes samples of what the server tells of the points of a source. */
export interface Samples {
  of(values: readonly WireValue[]): Sample[]
  /** Bad, each with the same status and reason. */
  unavailable(reason: string): Sample[]
}

/**
 * The time is that of the source. One that was told already, as a value that does not change is read
 * again, is the server's instead: until then the value held.
 */
export function createSamples(
  points: readonly Pick<ConfiguredPoint, 'id' | 'type'>[],
  stamp: SourceContext['stamp'],
): Samples {
  const told = new Map<number, number>()

  function stampOf({ item, sourceTime, serverTime }: WireValue) {
    const isNews = sourceTime !== undefined && told.get(item) !== sourceTime
    if (sourceTime !== undefined) told.set(item, sourceTime)
    if (isNews) return { time: sourceTime }
    const isLater = serverTime !== undefined && serverTime > (sourceTime ?? 0)
    return isLater ? { time: serverTime } : stamp()
  }

  return {
    of: (values) =>
      values.flatMap((value) => {
        const point = points[value.item]
        return point ? [{ point: point.id, ...stampOf(value), ...readingOf(value, point.type) }] : []
      }),
    unavailable: (reason) =>
      points.map(({ id }) => ({ point: id, ...stamp(), ...bad(reason, statusCode.badNoCommunication) })),
  }
}

/** The status is kept as the server gave it, unless the value does not fit the point. */
function readingOf({ kind, value, status, name }: WireValue, type: ConfiguredPoint['type']): Typed {
  if (name?.startsWith('Bad')) return bad(snakeCase(name), status)
  const fitting = kind === 'scalar' ? typed(value, type) : bad(`is_${kind}`, statusCode.badTypeMismatch)
  if (fitting.reason !== undefined) return fitting
  return { ...fitting, quality: status, ...(name === undefined ? {} : { reason: snakeCase(name) }) }
}
