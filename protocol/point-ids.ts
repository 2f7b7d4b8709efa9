import type { DataSource } from './data-source-configuration.ts'

/** Point ids name a point within its agent, so two points must not share one. Returns the repeated ids. */
export function repeatedPointIds({ dataSources }: { dataSources: readonly DataSource[] }): string[] {
  const seen = new Set<string>()
  const repeated = dataSources
    .flatMap((source) => source.dataPoints)
    .filter(({ id }) => seen.size === seen.add(id).size)
  return [...new Set(repeated.map(({ id }) => id))]
}
