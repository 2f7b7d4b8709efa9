import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import type { HubLimits } from '../limits.ts'
import type { EventMapping, Registry } from '../registry/index.ts'
import type { Guard } from './guard.ts'
import { Listing, toPage, toQuery } from './page.ts'
import { IfMatch, requireIfMatch } from './preconditions.ts'

const Id = Type.String({ minLength: 1, maxLength: 128 })
const Text = Type.Optional(Type.Union([Type.String({ maxLength: 256 }), Type.Null()]))
const optional = { eventTypeName: Text, eventTypeFieldName: Text, eventTypeFieldValue: Text }
const Creation = Type.Object({ agentId: Id, assetId: Id, eventTypeId: Id, ...optional })
const Change = Type.Object({ assetId: Type.Optional(Id), eventTypeId: Type.Optional(Id), ...optional })
const Path = Type.Object({ id: Type.String() })
const root = '/api/mindconnect/v3/eventMappings'

export function eventMappingRoutes(
  server: HttpServer,
  { guard, registry, random }: { guard: Guard; registry: Registry; random: Random },
  { eventMappingsPerAgent, eventMappingsPerEventType }: HubLimits,
): void {
  const onRequest = guard.tenantOrAgent
  const limits = { perAgent: eventMappingsPerAgent, perEventType: eventMappingsPerEventType }

  server.post(root, { onRequest, schema: { body: Creation } }, async (request, reply) => {
    const given = request.body
    await guard.ownAgent(request, given.agentId)
    const mapping: EventMapping = {
      id: random.uuid(),
      agentId: given.agentId,
      assetId: given.assetId,
      eventTypeId: given.eventTypeId,
      eventTypeName: given.eventTypeName ?? null,
      eventTypeFieldName: given.eventTypeFieldName ?? null,
      eventTypeFieldValue: given.eventTypeFieldValue ?? null,
      eTag: 0,
    }
    await registry.call('addEventMapping', mapping, limits)
    return reply.status(201).header('etag', `"${mapping.eTag}"`).send(toBody(mapping))
  })
  server.get(root, { onRequest, schema: { querystring: Listing } }, async (request) => {
    const query = toQuery(guard.callerOf(request), request.query)
    return toPage(query, await registry.call('eventMappingPage', query), toBody)
  })
  server.get(`${root}/:id`, { onRequest, schema: { params: Path } }, async (request, reply) => {
    const mapping = await registry.call('eventMapping', guard.callerOf(request).tenant, request.params.id)
    await guard.ownAgent(request, mapping.agentId)
    return reply.header('etag', `"${mapping.eTag}"`).send(toBody(mapping))
  })
  server.patch(
    `${root}/:id`,
    { onRequest, schema: { params: Path, headers: IfMatch, body: Change } },
    async (request, reply) => {
      const { tenant } = guard.callerOf(request)
      const { id, agentId } = await registry.call('eventMapping', tenant, request.params.id)
      await guard.ownAgent(request, agentId)
      const eTag = requireIfMatch(request.headers)
      const change = Object.fromEntries(
        changeable.flatMap((key) => (key in request.body ? [[key, request.body[key]]] : [])),
      )
      const changed = await registry.call('updateEventMapping', tenant, id, eTag, change, limits.perEventType)
      return reply.header('etag', `"${changed.eTag}"`).send(toBody(changed))
    },
  )
  server.delete(
    `${root}/:id`,
    { onRequest, schema: { params: Path, headers: IfMatch } },
    async (request, reply) => {
      const { tenant } = guard.callerOf(request)
      const { id, agentId } = await registry.call('eventMapping', tenant, request.params.id)
      await guard.ownAgent(request, agentId)
      await registry.call('removeEventMapping', tenant, id, requireIfMatch(request.headers))
      return reply.status(204).send()
    },
  )
}

const changeable = Object.keys(Change.properties) as (keyof typeof Change.properties)[]

const toBody = (mapping: EventMapping) => ({ ...mapping, eTag: String(mapping.eTag) })
