import { Conflict, Invalid, NotFound } from '../../core/errors.ts'
import type { DataPoint } from '../../protocol/data-source-configuration.ts'
import { LimitReached, StaleETag } from '../errors.ts'
import type { PageQuery } from '../page.ts'
import type { DataPointMapping } from './data-point-mappings.ts'
import type { DiagnosticActivation, DiagnosticStatus } from './diagnostic-activations.ts'
import type { EventMapping } from './event-mappings.ts'
import type { Tables } from './tables.ts'

/** A mapping beside the data point that it maps; undefined where that is not configured. */
export interface MappedPoint {
  mapping: DataPointMapping
  point: DataPoint | undefined
}

type NewMapping = Omit<DataPointMapping, 'propertyType' | 'propertyUnit'>

/** Where the data of agents goes: to properties and event types of assets; and their diagnosis. */
export function mappings({
  configurations,
  dataPointMappings,
  eventMappings,
  diagnosticActivations,
}: Tables) {
  const pointsOf = (agentId: string): Map<string, DataPoint> =>
    new Map(
      configurations
        .inForce(agentId)
        .dataSources.flatMap(({ dataPoints }) => dataPoints)
        .map((point) => [point.id, point]),
    )
  const beside = (mapping: DataPointMapping): MappedPoint => ({
    mapping,
    point: pointsOf(mapping.agentId).get(mapping.dataPointId),
  })
  const knownMapping = (tenant: string, id: string) => dataPointMappings.find(tenant, id) ?? missing()
  const knownEventMapping = (tenant: string, id: string) => eventMappings.find(tenant, id) ?? missing()
  const knownActivation = (tenant: string, id: string) => diagnosticActivations.find(tenant, id) ?? missing()

  return {
    /** `mayPrecede`: the data point need not be configured yet. Throws `Conflict`, `Invalid`. */
    addMapping(given: NewMapping, mayPrecede: boolean): MappedPoint {
      const point = pointsOf(given.agentId).get(given.dataPointId)
      if (!point && !mayPrecede) throw new Invalid(`the data point ${given.dataPointId} is not configured`)
      const mapping = { ...given, propertyType: point?.type ?? null, propertyUnit: point?.unit ?? null }
      if (!dataPointMappings.add(mapping))
        throw new Conflict('The data point is mapped to this property set of the entity already.')
      return { mapping, point }
    },
    mapping: (tenant: string, id: string): MappedPoint => beside(knownMapping(tenant, id)),
    mappingPage(query: PageQuery): { rows: MappedPoint[]; total: number } {
      const { rows, total } = dataPointMappings.page(query)
      const points = new Map<string, Map<string, DataPoint>>()
      const withPoint = (mapping: DataPointMapping) => {
        const ofAgent = points.get(mapping.agentId) ?? pointsOf(mapping.agentId)
        points.set(mapping.agentId, ofAgent)
        return { mapping, point: ofAgent.get(mapping.dataPointId) }
      }
      return { rows: rows.map(withPoint), total }
    },
    removeMapping: (tenant: string, id: string): void =>
      dataPointMappings.remove(knownMapping(tenant, id).id),

    /** Throws `LimitReached`. */
    addEventMapping(mapping: EventMapping, limits: { perAgent: number; perEventType: number }): void {
      const { all, ofType } = eventMappings.count(mapping.agentId, mapping.eventTypeId)
      if (all >= limits.perAgent) throw new LimitReached('event mappings of an agent', limits.perAgent)
      if (ofType >= limits.perEventType)
        throw new LimitReached('event mappings of an agent for one event type', limits.perEventType)
      eventMappings.add(mapping)
    },
    eventMapping: knownEventMapping,
    eventMappingPage: eventMappings.page,
    /** Throws `StaleETag`, `LimitReached`. */
    updateEventMapping(
      tenant: string,
      id: string,
      eTag: number,
      change: Partial<EventMapping>,
      perEventType: number,
    ): EventMapping {
      const current = knownEventMapping(tenant, id)
      if (current.eTag !== eTag) throw new StaleETag(current.eTag)
      const changed = { ...current, ...change, eTag: eTag + 1 }
      const { ofType } = eventMappings.count(current.agentId, changed.eventTypeId)
      if (changed.eventTypeId !== current.eventTypeId && ofType >= perEventType)
        throw new LimitReached('event mappings of an agent for one event type', perEventType)
      eventMappings.update(changed)
      return changed
    },
    /** Throws `StaleETag`. */
    removeEventMapping(tenant: string, id: string, eTag: number): void {
      const current = knownEventMapping(tenant, id)
      if (current.eTag !== eTag) throw new StaleETag(current.eTag)
      eventMappings.remove(id)
    },

    /** Throws `Conflict` when the agent has one, `LimitReached`. */
    activateDiagnosis(tenant: string, activation: DiagnosticActivation, limit: number): void {
      if (diagnosticActivations.count(tenant) >= limit)
        throw new LimitReached('diagnostic activations of a tenant', limit)
      if (!diagnosticActivations.add(activation)) throw new Conflict('The agent has a diagnostic activation.')
    },
    diagnosticActivation: knownActivation,
    diagnosticActivationPage: diagnosticActivations.page,
    setDiagnosis(tenant: string, id: string, status: DiagnosticStatus): DiagnosticActivation {
      diagnosticActivations.setStatus(knownActivation(tenant, id).id, status)
      return knownActivation(tenant, id)
    },
    removeDiagnosis: (tenant: string, id: string): void =>
      diagnosticActivations.remove(knownActivation(tenant, id).id),
    isDiagnosed: (agentId: string): boolean => diagnosticActivations.isActive(agentId),
  }
}

function missing(): never {
  throw new NotFound('Resource not found.')
}
