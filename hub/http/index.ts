import formbody from '@fastify/formbody'
import type { Clock } from '../../core/clock.ts'
import { createHttpServer, type HttpServer } from '../../core/http-server.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Agents } from '../agents.ts'
import { queryReadings, ReadingsPage, ReadingsQuery } from '../readings.ts'
import type { Registrations } from '../registrations.ts'
import type { Registry } from '../registry/index.ts'
import type { ReadingStore } from '../store/index.ts'
import type { Tokens } from '../tokens/index.ts'
import { AgentPath, agentRoutes, type Presence } from './agents.ts'
import { boardingRoutes } from './boarding.ts'
import { dataSourceConfigurationRoutes } from './data-source-configuration.ts'
import { errorBody } from './errors.ts'
import { createGuard } from './guard.ts'
import { registerRoutes } from './register.ts'
import { tokenRoutes } from './tokens.ts'

export interface HubServerDeps {
  registry: Registry
  tokens: Tokens
  registrations: Registrations
  agents: Agents
  store: ReadingStore
  presence: Presence
  clock: Clock
  random: Random
  log: Logger
}

/** The REST side: Agent Management v3, the token endpoints and our own extensions. Not listening yet. */
export function createHubServer(
  deps: HubServerDeps,
  { tls }: { tls?: { cert: string; key: string } | undefined },
): HttpServer {
  const server = createHttpServer({ log: deps.log, tls, errorBody: errorBody(deps.random) })
  server.register(formbody)
  acceptEmptyJson(server)
  logRefusals(server, deps.log)
  const guard = createGuard(server, deps)

  registerRoutes(server, deps.registrations)
  tokenRoutes(server, deps)
  agentRoutes(server, { ...deps, guard })
  boardingRoutes(server, { ...deps, guard })
  dataSourceConfigurationRoutes(server, { ...deps, guard })
  server.get(
    '/api/hub/v1/agents/:id/readings',
    {
      onRequest: guard.tenant,
      schema: { params: AgentPath, querystring: ReadingsQuery, response: { 200: ReadingsPage } },
    },
    async (request) => {
      const { id } = await guard.agentOf(request)
      return queryReadings(deps.store, id, request.query)
    },
  )
  server.get('/healthz', async () => ({ status: 'ok' }))
  return server
}

/** With the caller's correlation id, so that a call is found in both logs. */
function logRefusals(server: HttpServer, log: Logger): void {
  server.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, headers } = request
    if (reply.statusCode < 400) return
    const fields = { method, route: routeOptions.url, status: reply.statusCode }
    log.info({ ...fields, correlationId: headers['correlation-id'] }, 'request refused')
  })
}

/** Clients in the field send a JSON content type with no body, for example to offboard. */
function acceptEmptyJson(server: HttpServer): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined)
    else parse(request, body, done)
  })
}
