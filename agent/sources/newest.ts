import type { DataPoint } from '../../protocol/data-source-configuration.ts'
import { isGood } from '../../protocol/reading.ts'
import type { PlannedSource } from './configuration.ts'
import { scaled } from './pipeline/index.ts'
import type { Sample } from './source.ts'

/** What a source read last of each point. */
export interface Newest {
  heard(samples: readonly Sample[]): void
  /** As they were read. */
  samples(): Sample[]
  /** In the unit of the point; undefined when it was never read. */
  of(point: string): Sample | undefined
  inUnit(sample: Sample): Sample
  wasGood(point: string): boolean
  /** The points that are read; an aggregate is made of another one. */
  readonly points: readonly DataPoint[]
}

export function createNewest({
  definition,
  pipeline,
}: Pick<PlannedSource, 'definition' | 'pipeline'>): Newest {
  const newest = new Map<string, Sample>()
  const good = new Set<string>()

  function inUnit(sample: Sample): Sample {
    const plan = pipeline?.points.get(sample.point)
    return plan?.scaling ? scaled(sample, plan.scaling, plan.type) : sample
  }

  return {
    inUnit,
    points: definition.dataPoints.filter(({ customData }) => customData?.aggregate === undefined),
    heard(samples) {
      for (const sample of samples) {
        newest.set(sample.point, sample)
        if (isGood(sample.quality)) good.add(sample.point)
      }
    },
    samples: () => [...newest.values()],
    of(point) {
      const sample = newest.get(point)
      return sample && inUnit(sample)
    },
    wasGood: (point) => good.has(point),
  }
}
