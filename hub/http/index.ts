import formbody from '@fastify/formbody'
import type { Clock } from '../../core/clock.ts'
import { createHttpServer, type HttpServer } from '../../core/http-server.ts'
import { createHttpTally } from '../../core/http-tally.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { serverTimeHeader } from '../../protocol/token.ts'
import type { Addresses } from '../addresses.ts'
import type { Agents } from '../agents.ts'
import type { Commands } from '../commands/index.ts'
import { RateExceeded } from '../errors.ts'
import type { Ingest } from '../ingest/index.ts'
import type { HubLimits } from '../limits.ts'
import type { Box } from '../metrics.ts'
import type { Exchange } from '../mindconnect/exchange.ts'
import type { Registrations } from '../registrations.ts'
import type { Registry } from '../registry/index.ts'
import type { ReadingStore } from '../store/index.ts'
import type { TechnicalTokens } from '../technical-tokens/index.ts'
import type { Tokens } from '../tokens/index.ts'
import type { Uploads } from '../uploads/index.ts'
import { agentRoutes, type Presence } from './agents.ts'
import { alarmRoutes } from './alarms.ts'
import { assetRoutes } from './assets.ts'
import { boardingRoutes } from './boarding.ts'
import { commandRoutes } from './commands.ts'
import { customItemRoutes } from './custom-items.ts'
import { dataRoutes } from './data.ts'
import { dataSourceConfigurationRoutes } from './data-source-configuration.ts'
import { diagnosticRoutes } from './diagnostics.ts'
import { errorBody } from './errors.ts'
import { eventMappingRoutes } from './event-mappings.ts'
import { eventRoutes } from './events.ts'
import { exchangeRoutes } from './exchange.ts'
import { fileRoutes } from './files.ts'
import { createGuard, type Guard } from './guard.ts'
import { healthRoutes, hubRoutes, routeOf } from './health.ts'
import { ingestRoutes } from './ingest.ts'
import { mappingRoutes } from './mappings.ts'
import { createRateLimit } from './rate.ts'
import { recoverableRecordRoutes } from './recoverable-records.ts'
import { registerRoutes } from './register.ts'
import { technicalTokenRoutes } from './technical-tokens.ts'
import { tokenRoutes } from './tokens.ts'

export interface HubServerDeps {
  registry: Registry
  tokens: Tokens
  technicalTokens: TechnicalTokens
  registrations: Registrations
  agents: Agents
  store: ReadingStore
  uploads: Uploads
  exchange: Exchange
  commands: Commands
  addresses: Addresses
  presence: Presence
  ingest: Pick<Ingest, 'state'>
  box: Box
  clock: Clock
  random: Random
  log: Logger
}

/** As long as agents in the field wait for an answer: on a slow line an upload takes its time. */
const requestTimeoutMs = 300_000

/**
 * The REST side: Agent Management, MindConnect and Technical Token Manager v3, the token endpoints, what of event, file and asset
 * management agents call, and our own extensions. Not listening yet.
 */
export function createHubServer(
  deps: HubServerDeps,
  { tls, limits }: { tls?: { cert: string; key: string } | undefined; limits: HubLimits },
): HttpServer {
  const { log, random, clock } = deps
  const server = createHttpServer({ log, tls, requestTimeoutMs, errorBody: errorBody(random) })
  const requests = createHttpTally('hub', hubRoutes)
  requests.watch(server, routeOf)
  server.register(formbody)
  acceptEmptyJson(server)
  logRefusals(server, log)
  tellWhenToRetry(server)
  tellTime(server, clock)
  const guard = createGuard(server, deps)

  registerRoutes(server, deps.registrations)
  tokenRoutes(server, deps)
  technicalTokenRoutes(
    server,
    { ...deps, rate: createRateLimit(limits.technicalTokens.rate, clock) },
    limits.technicalTokens,
  )
  agentRoutes(server, {
    ...deps,
    guard,
    rates: {
      list: createRateLimit(limits.listAgents, clock),
      delete: createRateLimit(limits.deleteAgents, clock),
    },
  })
  boardingRoutes(server, { ...deps, guard })
  dataSourceConfigurationRoutes(server, { ...deps, guard })
  mindConnectRoutes(server, { ...deps, guard }, limits)
  eventRoutes(server, { ...deps, guard })
  fileRoutes(server, { ...deps, guard }, limits)
  assetRoutes(server, { ...deps, guard })
  dataRoutes(server, { ...deps, guard })
  alarmRoutes(server, { ...deps, guard })
  commandRoutes(server, { ...deps, guard })
  healthRoutes(server, { ...deps, requests })
  return server
}

/** With every answer, refusals too: an agent whose clock is wrong learns the time from them. */
function tellTime(server: HttpServer, clock: Clock): void {
  server.addHook('onRequest', async (_request, reply) => {
    reply.header(serverTimeHeader, String(Math.floor(clock.now() / 1000)))
  })
}

function mindConnectRoutes(
  server: HttpServer,
  deps: HubServerDeps & { guard: Guard },
  limits: HubLimits,
): void {
  const rate = createRateLimit(limits.exchange, deps.clock)
  exchangeRoutes(server, { ...deps, rate }, { bodyLimit: limits.uploadBytes })
  ingestRoutes(server, deps, { bodyLimit: limits.uploadBytes })
  mappingRoutes(server, deps)
  eventMappingRoutes(server, deps, limits)
  diagnosticRoutes(server, deps, limits)
  recoverableRecordRoutes(server, deps)
  customItemRoutes(server, deps)
}

function tellWhenToRetry(server: HttpServer): void {
  server.addHook('onError', async (_request, reply, error) => {
    if (error instanceof RateExceeded)
      reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1000)))
  })
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
