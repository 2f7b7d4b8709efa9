import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import type { HubLimits } from '../limits.ts'
import type { Registry } from '../registry/index.ts'
import type { DiagnosticMessage, Uploads } from '../uploads/index.ts'
import type { Guard } from './guard.ts'
import { Listing, toPage, toQuery } from './page.ts'

const Status = Type.Enum(['ACTIVE', 'INACTIVE'])
const Creation = Type.Object({ agentId: Type.String(), status: Type.Optional(Status) })
const Change = Type.Object({ status: Status })
const Path = Type.Object({ id: Type.String() })
const root = '/api/mindconnect/v3/diagnosticActivations'

export function diagnosticRoutes(
  server: HttpServer,
  {
    guard,
    registry,
    uploads,
    random,
  }: { guard: Guard; registry: Registry; uploads: Uploads; random: Random },
  { diagnosticActivationsPerTenant: limit }: HubLimits,
): void {
  const onRequest = guard.tenant

  server.post(root, { onRequest, schema: { body: Creation } }, async (request, reply) => {
    const { agentId, status = 'ACTIVE' } = request.body
    const { tenant } = await guard.ownAgent(request, agentId)
    const activation = { id: random.uuid(), agentId, status }
    await registry.call('activateDiagnosis', tenant, activation, limit)
    return reply.status(201).send(activation)
  })
  server.get(root, { onRequest, schema: { querystring: Listing } }, async (request) => {
    const query = toQuery(guard.callerOf(request), request.query)
    return toPage(query, await registry.call('diagnosticActivationPage', query), (row) => row)
  })
  server.get(`${root}/:id`, { onRequest, schema: { params: Path } }, async (request) =>
    registry.call('diagnosticActivation', guard.callerOf(request).tenant, request.params.id),
  )
  server.put(`${root}/:id`, { onRequest, schema: { params: Path, body: Change } }, async (request) =>
    registry.call('setDiagnosis', guard.callerOf(request).tenant, request.params.id, request.body.status),
  )
  server.delete(`${root}/:id`, { onRequest, schema: { params: Path } }, async (request, reply) => {
    await registry.call('removeDiagnosis', guard.callerOf(request).tenant, request.params.id)
    return reply.status(204).send()
  })
  server.get(
    `${root}/:id/messages`,
    { onRequest, schema: { params: Path, querystring: Listing } },
    async (request) => {
      const { tenant } = guard.callerOf(request)
      const { agentId } = await registry.call('diagnosticActivation', tenant, request.params.id)
      const query = toQuery({ tenant, agentId }, request.query)
      return toPage(query, await uploads.call('messagePage', query), toBody)
    },
  )
  // Deprecated there, but asked for by older clients: the messages of all agents.
  server.get(
    '/api/mindconnect/v3/diagnosticInformation',
    { onRequest, schema: { querystring: Listing } },
    async (request) => {
      const query = toQuery(guard.callerOf(request), request.query)
      const withAgent = (row: DiagnosticMessage) => ({ agentId: row.agentId, ...toBody(row) })
      return toPage(query, await uploads.call('messagePage', query), withAgent)
    },
  )
}

const toBody = ({ correlationId, severity, message, source, state, time }: DiagnosticMessage) => ({
  correlationId,
  severity,
  message,
  source,
  state,
  timestamp: new Date(time).toISOString(),
})
