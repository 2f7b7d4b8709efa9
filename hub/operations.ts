import Type from 'typebox'
import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import { Invalid, NotFound } from '../core/errors.ts'
import { type Random, randomSecret } from '../core/random.ts'
import { parser } from '../core/schema.ts'
import { SecurityProfile } from '../protocol/boarding.ts'
import { parseDataSourceConfigurationUpdate } from '../protocol/data-source-configuration.ts'
import type { Addresses } from './addresses.ts'
import type { Agents } from './agents.ts'
import { alarmOperations } from './alarms/operations.ts'
import type { Commands } from './commands/index.ts'
import { commandOperations } from './commands/operations.ts'
import { GapsQuery, queryGaps } from './gaps.ts'
import type { Presence } from './http/agents.ts'
import { queryReadings } from './readings.ts'
import type { Agent, Registry } from './registry/index.ts'
import { agentStatus } from './status.ts'
import type { ReadingStore } from './store/index.ts'
import { hashSecret } from './tokens/index.ts'
import type { Uploads } from './uploads/index.ts'

export interface OperationsDeps {
  registry: Registry
  agents: Agents
  commands: Commands
  /** Agents can be online. */
  serves(): boolean
  store: ReadingStore
  uploads: Uploads
  presence: Presence
  addresses: Addresses
  clock: Clock
  random: Random
}

/** Stands in MQTT topics and client ids. */
const TenantName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,35}$' })

const params = {
  none: parser(Type.Object({}, { additionalProperties: false })),
  init: parser(Type.Object({ tenant: Type.Optional(TenantName) }, { additionalProperties: false })),
  tenant: parser(Type.Object({ name: TenantName }, { additionalProperties: false })),
  client: parser(Type.Object({ client_id: Type.String() }, { additionalProperties: false })),
  ofTenant: parser(Type.Object({ tenant: Type.Optional(Type.String()) }, { additionalProperties: false })),
  create: parser(
    Type.Object(
      {
        name: Type.String({ minLength: 1, maxLength: 128 }),
        profile: SecurityProfile,
        tenant: Type.Optional(Type.String()),
        entityId: Type.Optional(Type.String({ minLength: 1, maxLength: 36 })),
      },
      { additionalProperties: false },
    ),
  ),
  agent: parser(Type.Object({ id: Type.String() }, { additionalProperties: false })),
  configure: parser(
    Type.Object({ id: Type.String(), configuration: Type.Unknown() }, { additionalProperties: false }),
  ),
  gaps: parser(
    Type.Object({ agent: Type.String(), ...GapsQuery.properties }, { additionalProperties: false }),
  ),
  data: parser(
    Type.Object(
      {
        agent: Type.String(),
        point: Type.Optional(Type.String()),
        since: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
        after: Type.Optional(Type.String()),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
      },
      { additionalProperties: false },
    ),
  ),
}

/** What the operator of the hub can ask of it, running or stopped. Agents are named by id or by name. */
export const hubOperations = (deps: OperationsDeps): Operations => ({
  ...tenantOperations(deps),
  ...agentOperations(deps),
})

function tenantOperations({ registry, addresses, clock, random }: OperationsDeps): Operations {
  const freshCredential = (tenant: string) => {
    const [clientId, secret] = [random.uuid(), randomSecret(random)]
    return {
      stored: { clientId, tenant, secretHash: hashSecret(secret) },
      /** The only time that the secret is seen. */
      shown: { tenant, client_id: clientId, client_secret: secret, url: addresses.base() },
    }
  }
  const addTenant = async (name: string) => {
    const { stored, shown } = freshCredential(name)
    await registry.call('addTenant', name, stored, clock.now())
    return shown
  }
  return {
    init: (given) => addTenant(params.init(given, 'init').tenant ?? 'default'),
    'tenant.add': (given) => addTenant(params.tenant(given, 'tenant.add').name),
    async 'tenant.list'(given) {
      params.none(given, 'tenant.list')
      const tenants = await registry.call('tenants')
      return tenants.map(({ name, createdAt, clientIds }) => ({
        name,
        createdAt: iso(createdAt),
        client_ids: clientIds,
      }))
    },
    async 'tenant.credential'(given) {
      const { stored, shown } = freshCredential(params.tenant(given, 'tenant.credential').name)
      await registry.call('addServiceCredential', stored, clock.now())
      return shown
    },
    async 'tenant.revoke'(given) {
      const { client_id } = params.client(given, 'tenant.revoke')
      await registry.call('removeServiceCredential', client_id)
      return { client_id }
    },
  }
}

function agentOperations({
  registry,
  agents,
  store,
  uploads,
  presence,
  addresses,
  clock,
  ...deps
}: OperationsDeps): Operations {
  /** By id, or by a name that only one tenant uses. */
  async function find(idOrName: string): Promise<Agent> {
    const byId = await registry.call('findAgent', idOrName)
    if (byId) return byId
    const [agent, another] = await registry.call('agentsNamed', idOrName)
    if (!agent) throw new NotFound(`no agent has the id or name ${idOrName}`)
    if (another)
      throw new Invalid(`agents of several tenants are named ${idOrName}`, {
        cure: 'Give the id of the agent.',
      })
    return agent
  }

  async function tenantOf(given: string | undefined): Promise<string> {
    if (given !== undefined) return given
    const [only, another] = await registry.call('tenants')
    if (!only) throw new Invalid('the hub has no tenant', { cure: 'Run "edgeward hub init".' })
    if (another) throw new Invalid('the hub has several tenants', { cure: 'Name one of them.' })
    return only.name
  }

  const summary = ({ id, tenant, name, securityProfile, entityId, boardingStatus }: Agent) => ({
    id,
    tenant,
    name,
    profile: securityProfile,
    entityId,
    boardingStatus,
    online: presence.isOnline(id),
  })

  async function show(agent: Agent) {
    const newest = { filter: { agentId: agent.id }, sort: [], page: 0, size: 1 }
    const [credential, configuration, status, recoverable] = await Promise.all([
      registry.call('newestCredential', agent.id),
      registry.call('configuration', agent.id),
      agentStatus({ store, presence }, agent.id),
      uploads.call('recoverableRecordPage', { tenant: agent.tenant, ...newest }),
    ])
    return {
      ...summary(agent),
      ...status,
      configurationETag: configuration.eTag,
      recoverableRecords: recoverable.total,
      lastDropReason: recoverable.rows[0]?.dropReason ?? null,
      credential: credential
        ? {
            number: credential.id,
            issuedAt: iso(credential.issuedAt),
            expiresAt: iso(credential.expiresAt),
            expired: credential.expiresAt <= clock.now(),
            used: credential.keyUsedAt !== null,
          }
        : null,
    }
  }

  return {
    async 'agent.create'(given) {
      const { name, profile, tenant, entityId } = params.create(given, 'agent.create')
      const of = await tenantOf(tenant)
      addresses.forAgents() // refuses, if it must, before the agent exists
      const agent = await agents.create({ tenant: of, name, securityProfile: profile, entityId })
      return { id: agent.id, name, boarding: await agents.boarding(agent) }
    },
    async 'agent.list'(given) {
      const { tenant } = params.ofTenant(given, 'agent.list')
      return (await registry.call('agents', tenant)).map(summary)
    },
    'agent.show': async (given) => show(await find(params.agent(given, 'agent.show').id)),
    async 'agent.boarding'(given) {
      const agent = await find(params.agent(given, 'agent.boarding').id)
      return { id: agent.id, name: agent.name, boarding: await agents.boarding(agent) }
    },
    async 'agent.configure'(given) {
      const { id, configuration } = params.configure(given, 'agent.configure')
      const update = parseDataSourceConfigurationUpdate(configuration, 'data source configuration')
      const { id: agentId, eTag } = await agents.configure(await find(id), update)
      return { id: agentId, eTag }
    },
    async 'agent.configuration'(given) {
      const { id } = await find(params.agent(given, 'agent.configuration').id)
      return registry.call('configuration', id)
    },
    async 'agent.offboard'(given) {
      return summary(await agents.offboard(await find(params.agent(given, 'agent.offboard').id)))
    },
    async 'agent.remove'(given) {
      const agent = await find(params.agent(given, 'agent.remove').id)
      await agents.remove(agent)
      return { id: agent.id, name: agent.name }
    },
    async 'data.query'(given) {
      const { agent, since, ...rest } = params.data(given, 'data.query')
      const { id } = await find(agent)
      return queryReadings(store, id, { ...rest, ...(since === undefined ? {} : { since: String(since) }) })
    },
    async 'data.gaps'(given) {
      const { agent, ...query } = params.gaps(given, 'data.gaps')
      return queryGaps(store, (await find(agent)).id, query)
    },
    ...alarmOperations({ store, find }),
    ...commandOperations({ ...deps, find }),
  }
}

const iso = (at: number): string => new Date(at).toISOString()
