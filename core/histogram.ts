import type { Gauge, Sample } from './gauge.ts'

/** How often something took how long. Observing costs an addition or two. */
export interface Histogram {
  observe(value: number): void
  gauge(name: string, help: string): Gauge
}

/** Seconds that a commit to a disk takes, from a good SSD to a card that is about to fail. */
export const commitSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** `bounds`: upper ends of the buckets, ascending. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = bounds.map(() => 0)
  let count = 0
  let sum = 0
  return {
    observe(value) {
      count++
      sum += value
      const bucket = bounds.findIndex((bound) => value <= bound)
      if (bucket >= 0) counts[bucket] = (counts[bucket] ?? 0) + 1
    },
    gauge(name, help) {
      let below = 0
      const buckets = bounds.map((bound, k): Sample => {
        below += counts[k] ?? 0
        return { suffix: '_bucket', labels: { le: String(bound) }, value: below }
      })
      const all: Sample[] = [
        { suffix: '_bucket', labels: { le: '+Inf' }, value: count },
        { suffix: '_sum', value: sum },
        { suffix: '_count', value: count },
      ]
      return { name, help, kind: 'histogram', samples: [...buckets, ...all] }
    },
  }
}
