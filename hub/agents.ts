import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { BoardingConfiguration, SecurityProfile } from '../protocol/boarding.ts'
import type {
  DataSourceConfiguration,
  DataSourceConfigurationUpdate,
} from '../protocol/data-source-configuration.ts'
import type { Addresses } from './addresses.ts'
import type { Agent, Registry } from './registry/index.ts'
import type { Tokens } from './tokens/index.ts'

/** The agents of all tenants. Every change is on disk before connections and agents learn of it. */
export interface Agents {
  /** Throws `Conflict` for a taken name, `LimitReached`. */
  create(agent: AgentRequest): Promise<Agent>
  /** What a device needs to register. The same text until it is used up, expired or offboarded. */
  boarding(agent: Agent): Promise<BoardingConfiguration>
  /** Throws `StaleETag`; without an eTag whatever is in force is replaced. */
  configure(
    agent: Agent,
    update: DataSourceConfigurationUpdate,
    eTag?: number,
  ): Promise<DataSourceConfiguration>
  /** Ends all credentials and the connection. Throws `Conflict` when not onboarded. */
  offboard(agent: Agent): Promise<Agent>
  /** With all that it has sent. Throws `StaleETag`. */
  remove(agent: Agent, eTag?: number): Promise<void>
  /** Finishes removals that the last run did not. */
  finishRemovals(): Promise<void>
}

export interface AgentRequest {
  tenant: string
  name: string
  securityProfile: SecurityProfile
  /** The asset that the agent belongs to; a fresh id unless told. */
  entityId?: string | undefined
}

/** What the agents' connections are told. */
export interface Connections {
  announceConfiguration(tenant: string, agentId: string, eTag: string): void
  disconnect(tenant: string, agentId: string): void
}

export interface AgentsDeps {
  registry: Registry
  tokens: Tokens
  addresses: Addresses
  connections: Connections
  removeUploads(agentId: string): Promise<void>
  clock: Clock
  random: Random
  log: Logger
}

export interface AgentsConfig {
  iatLifetimeMs: number
  agentsPerTenant: number
  /** PEM; handed out with the boarding configuration. */
  ca?: string | undefined
}

export function createAgents(
  { registry, tokens, addresses, connections, removeUploads, clock, random, log }: AgentsDeps,
  { iatLifetimeMs, agentsPerTenant, ca }: AgentsConfig,
): Agents {
  const freshId = () => random.bytes(16).toString('hex')

  async function finishRemoval(id: string): Promise<void> {
    await removeUploads(id)
    await registry.call('forgetReadings', id)
  }

  return {
    create({ tenant, name, securityProfile, entityId = freshId() }) {
      const agent = { id: freshId(), tenant, name, securityProfile, entityId }
      return registry.call('addAgent', agent, agentsPerTenant, clock.now())
    },
    async boarding(agent) {
      const { baseUrl, mqtt } = addresses.forAgents()
      const issuedAt = clock.now()
      const fresh = { jti: random.uuid(), issuedAt, expiresAt: issuedAt + iatLifetimeMs }
      const token = await registry.call('openBoarding', agent.id, fresh)
      return {
        content: {
          baseUrl,
          iat: await tokens.initialAccessToken(agent, token),
          clientCredentialProfile: [agent.securityProfile],
          clientId: agent.id,
          tenant: agent.tenant,
          mqtt,
          ...(ca === undefined ? {} : { ca }),
        },
        expiration: new Date(token.expiresAt).toISOString(),
      }
    },
    async configure({ id, tenant }, update, eTag) {
      const configuration = await registry.call('configure', id, update, eTag, clock.now())
      log.info({ agentId: id, eTag: configuration.eTag }, 'data source configuration changed')
      connections.announceConfiguration(tenant, id, configuration.eTag)
      return configuration
    },
    async offboard({ id, tenant }) {
      const offboarded = await registry.call('offboard', id)
      log.info({ agentId: id }, 'agent offboarded')
      connections.disconnect(tenant, id)
      return offboarded
    },
    async remove({ id, tenant }, eTag) {
      await registry.call('removeAgent', id, eTag, clock.now())
      log.info({ agentId: id }, 'agent removed')
      connections.disconnect(tenant, id)
      await finishRemoval(id)
    },
    async finishRemovals() {
      for (const id of await registry.call('readingsToRemove')) await finishRemoval(id)
    },
  }
}
