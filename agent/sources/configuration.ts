import type { TSchema } from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { type Parser, parser } from '../../core/schema.ts'
import { type DataSource, repeatedPointIds } from '../../protocol/data-source-configuration.ts'
import type { Priority } from '../outbox/index.ts'
import { protocols } from './protocols.ts'
import type { Configured, Limits, Protocol, Source, SourceContext } from './source.ts'

/** A data source whose customData has been checked. */
export interface PlannedSource {
  definition: DataSource
  protocol: string
  priority: Priority
  create(context: SourceContext): Source
}

/** Throws `Invalid` with every fault and its path: `dataSources[0].dataPoints[2].customData.metric: …`. */
export function planSources(dataSources: readonly DataSource[], limits: Limits): PlannedSource[] {
  const faults: string[] = repeatedPointIds({ dataSources }).map(
    (id) => `dataSources: more than one data point has the id "${id}"`,
  )
  const planned = dataSources.flatMap((definition, index) =>
    planSource(definition, `dataSources[${index}]`, limits, faults),
  )
  if (faults.length > 0)
    throw new Invalid(`data source configuration: ${faults.join('; ')}`, {
      details: faults,
      cure: 'Correct customData of the named data sources and points in the configuration at the hub.',
    })
  return planned
}

function planSource(
  definition: DataSource,
  path: string,
  limits: Limits,
  faults: string[],
): PlannedSource | [] {
  const { protocol: name, priority = 'telemetry', ...custom } = definition.customData ?? {}
  const known = typeof name === 'string' && Object.hasOwn(protocols, name) ? protocols[name] : undefined
  if (typeof name !== 'string' || known === undefined) {
    const found = name === undefined ? 'missing' : `unknown protocol ${JSON.stringify(name)}`
    faults.push(`${path}.customData.protocol: ${found}; valid are ${Object.keys(protocols).join(', ')}`)
    return []
  }
  const before = faults.length
  if (!isPriority(priority)) faults.push(`${path}.customData.priority: must be ${priorities.join(' or ')}`)
  const source: Configured = {
    custom: checked(known.customData.source, custom, `${path}.customData`, faults),
    points: definition.dataPoints.map(({ id, type, customData = {} }, index) => {
      const at = `${path}.dataPoints[${index}].customData`
      return { id, type, custom: checked(known.customData.point, customData, at, faults) }
    }),
  }
  if (!isPriority(priority) || faults.length > before) return []
  known.check?.(
    source,
    (point, key, message) => {
      const at = point === undefined ? path : `${path}.dataPoints[${point}]`
      faults.push(`${at}.customData.${key}: ${message}`)
    },
    limits,
  )
  return { definition, protocol: name, priority, create: (context) => known.create(source, context) }
}

/** What customData of any source may say: when space runs out, telemetry goes before events. */
const priorities: readonly Priority[] = ['telemetry', 'event']
const isPriority = (value: unknown): value is Priority => priorities.includes(value as Priority)

const parsers = new Map<TSchema, Parser<unknown>>(
  Object.values(protocols)
    .flatMap(({ customData }: Protocol) => [customData.source, customData.point])
    .map((schema) => [schema, parser(schema)]),
)

function checked(schema: TSchema, data: unknown, path: string, faults: string[]): unknown {
  for (const fault of parsers.get(schema)?.faults(data) ?? [])
    faults.push(`${path}${fault.path.replaceAll('/', '.')}: ${fault.message}`)
  return data
}
