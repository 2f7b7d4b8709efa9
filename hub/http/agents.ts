import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import { SecurityProfile } from '../../protocol/boarding.ts'
import type { Agents } from '../agents.ts'
import type { Agent, Registry } from '../registry/index.ts'
import { AgentBody, toBody } from './agent-body.ts'
import type { Guard } from './guard.ts'
import { Listing, toPage, toQuery } from './page.ts'
import { IfMatch, requireIfMatch } from './preconditions.ts'
import type { RateLimit } from './rate.ts'

export interface AgentRoutesDeps {
  guard: Guard
  agents: Agents
  registry: Registry
  presence: Presence
  /** Of a tenant. */
  rates: { list: RateLimit; delete: RateLimit }
}

export interface Presence {
  isOnline(agentId: string): boolean
  /** Undefined for an agent that never connected. */
  lastSeenAt(agentId: string): number | undefined
}

export const AgentPath = Type.Object({ id: Type.String() })
const Name = Type.String({ minLength: 1, maxLength: 128 })
const Creation = Type.Object({
  name: Name,
  securityProfile: SecurityProfile,
  entityId: Type.String({ minLength: 1, maxLength: 36 }),
})
const Change = Type.Object({ name: Name, securityProfile: SecurityProfile })
const root = '/api/agentmanagement/v3/agents'

export function agentRoutes(
  server: HttpServer,
  { guard, agents, registry, presence, rates }: AgentRoutesDeps,
): void {
  server.post(
    root,
    { onRequest: guard.tenant, schema: { body: Creation, response: { 201: AgentBody } } },
    async (request, reply) => {
      const agent = await agents.create({ tenant: guard.callerOf(request).tenant, ...request.body })
      return reply.status(201).header('etag', quoted(agent)).send(toBody(agent))
    },
  )
  server.get(root, { onRequest: guard.tenant, schema: { querystring: Listing } }, async (request) => {
    const caller = guard.callerOf(request)
    rates.list(caller.tenant)
    const query = toQuery(caller, request.query)
    return toPage(query, await registry.call('agentPage', query), toBody)
  })
  server.get(
    `${root}/:id`,
    { onRequest: guard.tenant, schema: { params: AgentPath, response: { 200: AgentBody } } },
    async (request, reply) => {
      const agent = await guard.agentOf(request)
      return reply.header('etag', quoted(agent)).send(toBody(agent))
    },
  )
  server.put(
    `${root}/:id`,
    {
      onRequest: guard.tenant,
      schema: { params: AgentPath, headers: IfMatch, body: Change, response: { 200: AgentBody } },
    },
    async (request, reply) => {
      const { id } = await guard.agentOf(request)
      const { name, securityProfile } = request.body
      const eTag = requireIfMatch(request.headers)
      const agent = await registry.call('updateAgent', id, eTag, name, securityProfile)
      return reply.header('etag', quoted(agent)).send(toBody(agent))
    },
  )
  server.delete(
    `${root}/:id`,
    { onRequest: guard.tenant, schema: { params: AgentPath, headers: IfMatch } },
    async (request, reply) => {
      rates.delete(guard.callerOf(request).tenant)
      await agents.remove(await guard.agentOf(request), requireIfMatch(request.headers))
      return reply.status(204).send()
    },
  )
  server.get(
    `${root}/:id/status`,
    { onRequest: guard.tenant, schema: { params: AgentPath } },
    async (request) => {
      const { id } = await guard.agentOf(request)
      const seenAt = presence.lastSeenAt(id)
      return {
        status: presence.isOnline(id) ? 'ONLINE' : 'OFFLINE',
        ...(seenAt === undefined ? {} : { since: new Date(seenAt).toISOString() }),
      }
    },
  )
}

const quoted = ({ eTag }: Agent): string => `"${eTag}"`
