import { bounded, type Gauge, sum } from '../../core/gauge.ts'
import type { SourceStatus } from './tally.ts'

const sourceStates: readonly SourceStatus['state'][] = ['starting', 'connecting', 'good', 'degraded', 'dead']
/** Data sources with series of their own. */
const mostSources = 50

export function sourceGauges(sources: readonly SourceStatus[]): Gauge[] {
  const each = (
    [name, help]: readonly [string, string],
    value: (source: SourceStatus) => number | undefined,
    { kind, together }: Pick<Gauge, 'kind'> & { together: (a: number, b: number) => number },
  ): Gauge => {
    const known = sources.flatMap((source): [string, number][] => {
      const figure = value(source)
      return figure === undefined ? [] : [[source.name, figure]]
    })
    return {
      ...{ name, help, ...(kind ? { kind } : {}) },
      samples: bounded('source', known, { most: mostSources, together }),
    }
  }
  const count = (name: string, help: string, value: (source: SourceStatus) => number): Gauge =>
    each([`edgeward_source_${name}_total`, help], value, { kind: 'counter', together: sum })
  return [
    {
      name: 'edgeward_sources',
      help: 'Data sources, by state.',
      samples: sourceStates.map((state) => ({
        labels: { state },
        value: sources.filter((source) => source.state === state).length,
      })),
    },
    each(
      ['edgeward_source_up', 'Whether a data source does not count as dead; of others: whether none does.'],
      ({ state }) => Number(state !== 'dead'),
      { together: Math.min },
    ),
    count('readings', 'Readings of a data source that were stored.', ({ readings }) => readings),
    count('bad_readings', 'Of these, the ones that are not Good.', ({ bad }) =>
      Object.values(bad).reduce(sum, 0),
    ),
    count('withheld_readings', 'Readings that filters held back.', ({ withheld }) => withheld),
    count('refused_readings', 'Readings that their producer repeats.', ({ refused }) => refused),
    count('lost_readings', 'Readings that could not be stored.', ({ lost }) => lost),
    count('overruns', 'Turns that fell out, for the one before took too long.', ({ overruns }) => overruns),
    each(
      ['edgeward_source_late_seconds', 'How late the latest of the newest turns of a data source began.'],
      ({ lateMs }) => lateMs && lateMs.max / 1000,
      { together: Math.max },
    ),
    each(
      ['edgeward_source_last_reading_timestamp_seconds', 'When a data source read last; of others: all.'],
      ({ lastReadingAt }) => lastReadingAt && lastReadingAt / 1000,
      { together: Math.min },
    ),
  ]
}
