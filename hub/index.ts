import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import { ensurePrivateDir } from '../core/files.ts'
import { listenTcp } from '../core/http-server.ts'
import type { Logger } from '../core/log.ts'
import type { Probe } from '../core/proof-of-life.ts'
import type { Random } from '../core/random.ts'
import { createAddresses } from './addresses.ts'
import { createAgents } from './agents.ts'
import { createCommands } from './commands/index.ts'
import { createHubServer } from './http/index.ts'
import { type Ingest, openIngest } from './ingest/index.ts'
import type { HubLimits } from './limits.ts'
import { type Box, noBox } from './metrics.ts'
import { createExchange } from './mindconnect/exchange.ts'
import { hubOperations } from './operations.ts'
import { createRegistrations } from './registrations.ts'
import { openRegistry, type RatPolicy } from './registry/index.ts'
import { openReadingStore } from './store/index.ts'
import { createTechnicalTokens } from './technical-tokens/index.ts'
import { appOperations } from './technical-tokens/operations.ts'
import { openTokens } from './tokens/index.ts'
import { openUploads } from './uploads/index.ts'

export interface HubConfig {
  /** State directory; made when it is not there. */
  dir: string
  /** Listeners, `host:port`. */
  http: string
  mqtt: string
  /** What agents use, where it is not the listening address. */
  publicUrl?: string
  publicMqtt?: string
  /** PEM texts. `ca` is handed to agents with the boarding configuration. */
  tls?: { cert: string; key: string; ca?: string }
  iatLifetimeMs: number
  credentialLifetimeMs: number
  tokenLifetimeMs: number
  ratPolicy: RatPolicy
  limits: HubLimits
}

export { hubDatabases } from './databases.ts'
export type { HubLimits } from './limits.ts'

/** The cloud side: takes agents in, keeps their credentials alive, stores what they send. */
export interface Hub extends AsyncDisposable {
  /** Serve with and without `listen`. */
  readonly operations: Operations
  /** Opens both listeners, once; resolves with the URLs they are bound to. */
  listen(): Promise<{ http: string; mqtt: string }>
  /** One for each database thread, by a question that costs it nothing. */
  readonly probes: readonly Probe[]
  /** Rejects when a database thread ends by itself. Never resolves. */
  readonly died: Promise<never>
}

export interface HubDeps {
  clock: Clock
  random: Random
  log: Logger
  /** The process and its disk, for metrics and health; nothing is told of them without it. */
  box?: Box | undefined
}

export async function openHub({ clock, random, log, box = noBox }: HubDeps, config: HubConfig): Promise<Hub> {
  await using opened = new AsyncDisposableStack()
  await ensurePrivateDir(config.dir)
  const registry = opened.use(await openRegistry(config.dir))
  const store = opened.use(await openReadingStore({ clock, log }, { dir: config.dir }))
  const uploads = opened.use(await openUploads(config.dir))
  const tokens = await openTokens({ registry, clock, random }, config)
  const technicalTokens = createTechnicalTokens(
    { registry, tokens, clock, log },
    config.limits.technicalTokens,
  )
  const addresses = createAddresses(config)

  let ingest: Ingest | undefined // agents can be online only while we listen
  const presence = {
    isOnline: (agentId: string) => ingest?.isOnline(agentId) ?? false,
    lastSeenAt: (agentId: string) => ingest?.lastSeenAt(agentId),
  }
  const connections = {
    announceConfiguration: (tenant: string, agentId: string, eTag: string) =>
      ingest?.announceConfiguration(tenant, agentId, eTag),
    disconnect: (tenant: string, agentId: string) => ingest?.disconnect(tenant, agentId),
  }
  const deps = {
    ...{ registry, store, uploads, tokens, technicalTokens },
    ...{ addresses, presence, connections, clock, random, log },
  }
  const registrations = createRegistrations(deps, config)
  const agents = createAgents(
    {
      ...deps,
      async removeUploads(id) {
        await store.removeAgent(id)
        await uploads.call('removeAgent', id)
      },
    },
    {
      iatLifetimeMs: config.iatLifetimeMs,
      agentsPerTenant: config.limits.agentsPerTenant,
      ca: config.tls?.ca,
    },
  )
  const exchange = createExchange({ ...deps, agents })
  const commands = createCommands({
    ...deps,
    isOnline: presence.isOnline,
    deliver: (tenant, agentId, message) => ingest?.sendCommand(tenant, agentId, message),
  })
  await agents.finishRemovals()

  const died = Promise.race([registry.died, store.died, uploads.died])
  died.catch(() => {}) // whoever awaits it sees it; nobody must
  const held = opened.move()
  return {
    operations: {
      ...hubOperations({ ...deps, agents, commands, serves: () => ingest !== undefined }),
      ...appOperations(deps, config.limits.technicalTokens),
    },
    probes: [
      { name: 'the registry', ask: () => registry.call('findAgent', '') },
      { name: 'the store of readings', ask: () => store.report('') },
      { name: 'the store of uploads', ask: () => uploads.call('recoverableRecord', '', '') },
    ],
    died,
    async listen() {
      ingest = held.use(
        await openIngest(
          {
            ...{ store, verify: tokens.verifyAgent, takeTimeSeries: exchange.takeTimeSeries },
            ...{ takeCommandUpdate: commands.told, listens: commands.connected, clock, random, log },
          },
          { listen: config.mqtt, ...(config.tls ? { tls: config.tls } : {}) },
        ),
      )
      const server = createHubServer(
        { ...deps, registrations, agents, exchange, commands, ingest, box },
        config,
      )
      held.defer(() => server.close())
      const urls = { http: await listenTcp(server, config.http, 'hub.http'), mqtt: ingest.address }
      addresses.bound(urls)
      log.info(urls, 'hub listens')
      return urls
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
