import { Invalid } from '../../core/errors.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { type Origin, type PlannedSource, planSources } from './configuration.ts'
import type { Limits } from './source.ts'

export type { PlannedSource } from './configuration.ts'
export type { Limits } from './source.ts'

/** All that is to be measured, by who asks for it. */
export type Definitions = Readonly<Record<Origin, readonly DataSource[]>>

/** Every fault with its path among the definitions of the one who asks: `dataSources[0].customData.unit: …`. */
export class DefinitionsInvalid extends Invalid {
  readonly faults: Readonly<Record<Origin, readonly string[]>>

  constructor(faults: Readonly<Record<Origin, readonly string[]>>) {
    const details = [...faults.local, ...faults.hub]
    super(`data source configuration: ${details.join('; ')}`, {
      details,
      cure: `Correct the named data sources and points ${faults.hub.length > 0 ? 'in the configuration at the hub' : 'in the local files'}.`,
    })
    this.faults = faults
  }
}

/** Local ones come first. Throws `DefinitionsInvalid`. */
export function planAll(definitions: Definitions, limits: Limits): PlannedSource[] {
  const local = planned(definitions.local, limits, 'local')
  const hub = planned(definitions.hub, limits, 'hub')
  const faults = { local: local.faults, hub: [...hub.faults, ...takenIds(definitions)] }
  if (faults.local.length + faults.hub.length > 0) throw new DefinitionsInvalid(faults)
  return [...local.sources, ...hub.sources]
}

function planned(
  dataSources: readonly DataSource[],
  limits: Limits,
  origin: Origin,
): { sources: PlannedSource[]; faults: readonly string[] } {
  try {
    return { sources: planSources(dataSources, limits, origin), faults: [] }
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    return { sources: [], faults: error.details }
  }
}

/** A point's id names it within the box. */
function takenIds({ hub, local }: Definitions): string[] {
  const owners = new Map(local.flatMap(({ name, dataPoints }) => dataPoints.map(({ id }) => [id, name])))
  return hub.flatMap(({ dataPoints }, source) =>
    dataPoints.flatMap(({ id }, point) =>
      owners.has(id)
        ? [
            `dataSources[${source}].dataPoints[${point}].id: "${id}" is a point of the local data source "${owners.get(id)}"`,
          ]
        : [],
    ),
  )
}
