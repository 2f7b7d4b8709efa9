import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import type { MappedPoint, Registry } from '../registry/index.ts'
import type { Guard } from './guard.ts'
import { Listing, toPage, toQuery } from './page.ts'

const Id = Type.String({ minLength: 1, maxLength: 36 })
const Name = Type.String({ minLength: 1, maxLength: 256 })
const Mapping = Type.Object({
  agentId: Id,
  dataPointId: Id,
  entityId: Id,
  propertySetName: Name,
  propertyName: Name,
  keepMapping: Type.Optional(Type.Boolean()),
})
const Creation = Type.Object({
  /** The data point need not be configured yet. */
  noAgentValidation: Type.Optional(Type.Boolean()),
})
const Path = Type.Object({ id: Type.String() })
const root = '/api/mindconnect/v3/dataPointMappings'

export function mappingRoutes(
  server: HttpServer,
  { guard, registry, random }: { guard: Guard; registry: Registry; random: Random },
): void {
  const onRequest = guard.tenantOrAgent

  server.post(
    root,
    { onRequest, schema: { body: Mapping, querystring: Creation } },
    async (request, reply) => {
      const { agentId, dataPointId, entityId, propertySetName, propertyName, keepMapping } = request.body
      await guard.ownAgent(request, agentId)
      const made = await registry.call(
        'addMapping',
        {
          id: random.uuid(),
          agentId,
          dataPointId,
          entityId,
          propertySetName,
          propertyName,
          keepMapping: keepMapping ?? false,
        },
        request.query.noAgentValidation ?? false,
      )
      return reply.status(201).send(toBody(made))
    },
  )
  server.get(root, { onRequest, schema: { querystring: Listing } }, async (request) => {
    const query = toQuery(guard.callerOf(request), request.query)
    return toPage(query, await registry.call('mappingPage', query), toBody)
  })
  server.get(`${root}/:id`, { onRequest, schema: { params: Path } }, async (request) => {
    const found = await registry.call('mapping', guard.callerOf(request).tenant, request.params.id)
    await guard.ownAgent(request, found.mapping.agentId)
    return toBody(found)
  })
  server.delete(`${root}/:id`, { onRequest, schema: { params: Path } }, async (request, reply) => {
    const { tenant } = guard.callerOf(request)
    const { mapping } = await registry.call('mapping', tenant, request.params.id)
    await guard.ownAgent(request, mapping.agentId)
    await registry.call('removeMapping', tenant, mapping.id)
    return reply.status(204).send()
  })
}

function toBody({ mapping, point }: MappedPoint) {
  const reasons = reasonsAgainst({ mapping, point })
  return {
    ...mapping,
    dataPointUnit: point?.unit ?? null,
    dataPointType: point?.type ?? null,
    qualityEnabled: true,
    validity: { status: reasons.length === 0 ? 'VALID' : 'INVALID', reasons },
  }
}

function reasonsAgainst({ mapping, point }: MappedPoint): string[] {
  if (!point) return ['MISSING_DATAPOINT']
  if (mapping.propertyType === null) return []
  const reasons = []
  if (point.type !== mapping.propertyType) reasons.push('INVALID_TYPE')
  if ((point.unit ?? null) !== mapping.propertyUnit) reasons.push('INVALID_UNIT')
  return reasons
}
