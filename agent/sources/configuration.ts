import type { TSchema } from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { type Parser, parser } from '../../core/schema.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { repeatedPointIds } from '../../protocol/point-ids.ts'
import type { Priority } from '../outbox/index.ts'
import { type PipelinePlan, planPipeline } from './pipeline/index.ts'
import { protocols } from './protocols.ts'
import type { Configured, Limits, Protocol, Refuse, Source, SourceContext, TrialWay } from './source.ts'

/** Who asks for a data source: the hub, or a file on this box. */
export type Origin = 'hub' | 'local'

/** A data source whose customData has been checked. */
export interface PlannedSource {
  definition: DataSource
  protocol: string
  priority: Priority
  /** "hub" unless told. */
  origin?: Origin
  /** "none" unless told. */
  trial?: TrialWay | undefined
  /** Undefined: its samples are readings as they are. */
  pipeline?: PipelinePlan | undefined
  create(context: SourceContext): Source
}

/** Throws `Invalid` with every fault and its path: `dataSources[0].dataPoints[2].customData.metric: …`. */
export function planSources(
  dataSources: readonly DataSource[],
  limits: Limits,
  origin: Origin = 'hub',
): PlannedSource[] {
  const faults: string[] = repeatedPointIds({ dataSources }).map(
    (id) => `dataSources: more than one data point has the id "${id}"`,
  )
  const planned = dataSources.flatMap((definition, index) =>
    planSource(definition, `dataSources[${index}]`, { ...limits, origin }, faults),
  )
  if (faults.length > 0)
    throw new Invalid(`data source configuration: ${faults.join('; ')}`, {
      details: faults,
      cure: `Correct customData of the named data sources and points ${origin === 'hub' ? 'in the configuration at the hub' : 'in the local files'}.`,
    })
  return planned
}

function planSource(
  definition: DataSource,
  path: string,
  { origin, ...limits }: Limits & { origin: Origin },
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
  if (known.localOnly && origin !== 'local')
    faults.push(`${path}.customData.protocol: "${name}" is allowed only from /etc/edgeward/sources.d`)
  if (!isPriority(priority)) faults.push(`${path}.customData.priority: must be ${priorities.join(' or ')}`)
  const refuse: Refuse = (point, key, message) => {
    const at = point === undefined ? path : `${path}.dataPoints[${point}]`
    faults.push(`${at}.customData${key === '' ? '' : `.${key}`}: ${message}`)
  }
  const { acquired, plan } = planPipeline(definition.dataPoints, known.suppliesRange === true, refuse)
  const source: Configured = {
    custom: checked(known.customData.source, custom, `${path}.customData`, faults),
    points: acquired.map(({ index, id, type, customData, keys }) => {
      const at = `${path}.dataPoints[${index}].customData`
      return {
        id,
        type,
        custom: checked(known.customData.point, customData, at, faults),
        pipeline: keys,
        ...aggregated(plan, id),
      }
    }),
  }
  if (!isPriority(priority) || faults.length > before) return []
  // The protocol counts the points that it acquires, the configuration counts all.
  const refuseAcquired: Refuse = (point, key, message) =>
    refuse(point === undefined ? point : acquired[point]?.index, key, message)
  known.check?.(source, refuseAcquired, limits)
  return {
    ...{ definition, protocol: name, priority, origin, pipeline: plan },
    trial: typeof known.trial === 'function' ? known.trial(source.custom) : known.trial,
    create: (context) => known.create(source, context),
  }
}

const aggregated = (plan: PipelinePlan | undefined, id: string) =>
  (plan?.points.get(id)?.windows.length ?? 0) > 0 ? { isAggregated: true } : {}

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
