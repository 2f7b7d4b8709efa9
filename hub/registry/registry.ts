import { isDeepStrictEqual } from 'node:util'
import { Conflict, Invalid, NotFound } from '../../core/errors.ts'
import type { Database } from '../../core/sqlite.ts'
import type { SecurityProfile } from '../../protocol/boarding.ts'
import type {
  DataSourceConfiguration,
  DataSourceConfigurationUpdate,
} from '../../protocol/data-source-configuration.ts'
import { repeatedPointIds } from '../../protocol/point-ids.ts'
import { commands } from '../commands/registered.ts'
import { LimitReached, StaleETag } from '../errors.ts'
import type { PageQuery } from '../page.ts'
import type { Agent, NewAgent } from './agents.ts'
import { appAccess } from './app-access.ts'
import type { Asset } from './assets.ts'
import type { InitialAccessToken } from './initial-access-tokens.ts'
import { mappings } from './mappings.ts'
import { registrations } from './registrations.ts'
import type { ServiceCredential } from './service-credentials.ts'
import type { SigningKeyRow } from './signing-keys.ts'
import { registryTables, type Tables } from './tables.ts'

/** Each method is one transaction: a kill leaves all of it or nothing. Time is an argument. */
export function createRegistry(db: Database) {
  const tables = registryTables(db)
  return transactions(db, {
    ...tenancy(tables),
    ...agents(tables),
    ...registrations(tables),
    ...mappings(tables),
    ...assets(tables),
    ...appAccess(tables),
    ...commands(tables),
  })
}

export type RegistryMethods = ReturnType<typeof createRegistry>

function transactions<M extends { [name: string]: (...args: never[]) => unknown }>(
  db: Database,
  methods: M,
): M {
  const wrapped = Object.entries(methods).map(([name, method]) => [name, db.transaction(method)])
  return Object.fromEntries(wrapped)
}

function tenancy({ tenants, serviceCredentials, signingKeys }: Tables) {
  return {
    addTenant(name: string, credential: ServiceCredential, now: number): void {
      if (!tenants.add(name, now))
        throw new Conflict(
          `tenant ${name} exists; "edgeward hub tenant credential ${name}" makes a further service credential`,
        )
      serviceCredentials.add(credential, now)
    },
    tenants: () =>
      tenants.all().map((tenant) => ({ ...tenant, clientIds: serviceCredentials.idsOf(tenant.name) })),
    addServiceCredential(credential: ServiceCredential, now: number): void {
      if (!tenants.all().some(({ name }) => name === credential.tenant))
        throw new NotFound(`no tenant ${credential.tenant}`)
      serviceCredentials.add(credential, now)
    },
    findServiceCredential: (clientId: string) => serviceCredentials.find(clientId),
    removeServiceCredential(clientId: string): void {
      if (!serviceCredentials.remove(clientId)) throw new NotFound(`no service credential ${clientId}`)
    },
    signingKeys: () => signingKeys.newestFirst(),
    addSigningKey: (key: SigningKeyRow, now: number): void => signingKeys.add(key, now),
  }
}

function agents({
  tenants,
  agents,
  initialAccessTokens,
  credentials,
  configurations,
  dataPointMappings,
  removedAgents,
}: Tables) {
  const known = (id: string): Agent => {
    const agent = agents.find(id)
    if (!agent) throw new NotFound(`no agent ${id}`)
    return agent
  }
  const refuseTakenName = (tenant: string, name: string, except?: string) => {
    if (agents.isNameTaken(tenant, name, except))
      throw new Conflict(`an agent named ${JSON.stringify(name)} exists in tenant ${tenant}`)
  }
  return {
    /** Throws `LimitReached`, or `Conflict` for a taken name. */
    addAgent(agent: NewAgent, limit: number, now: number): Agent {
      if (!tenants.all().some(({ name }) => name === agent.tenant))
        throw new NotFound(`no tenant ${agent.tenant}`)
      if (agents.count(agent.tenant) >= limit) throw new LimitReached('agents of a tenant', limit)
      refuseTakenName(agent.tenant, agent.name)
      agents.add(agent, now)
      return known(agent.id)
    },
    findAgent: (id: string): Agent | undefined => agents.find(id),
    agentsNamed: (name: string): Agent[] => agents.named(name),
    agents: (tenant?: string): Agent[] => agents.all(tenant),
    agentsByStatus: () => agents.byStatus(),
    agentPage: (query: PageQuery) => agents.page(query),
    /** Throws `StaleETag`, or `Conflict` for a taken name and for a profile that is in use. */
    updateAgent(id: string, eTag: number, name: string, securityProfile: SecurityProfile): Agent {
      const agent = known(id)
      if (agent.eTag !== eTag) throw new StaleETag(agent.eTag)
      refuseTakenName(agent.tenant, name, id)
      if (agent.boardingStatus === 'ONBOARDED' && agent.securityProfile !== securityProfile)
        throw new Conflict('the security profile of an onboarded agent cannot change; offboard it first')
      agents.rename({ id, name, securityProfile })
      return known(id)
    },
    /** Its readings are still to be removed: `readingsToRemove` names it until `forgetReadings`. */
    removeAgent(id: string, eTag: number | undefined, now: number): void {
      const agent = known(id)
      if (eTag !== undefined && agent.eTag !== eTag) throw new StaleETag(agent.eTag)
      agents.remove(id)
      removedAgents.add(id, now)
    },
    readingsToRemove: (): string[] => removedAgents.ids(),
    forgetReadings: (id: string): void => removedAgents.forget(id),
    /** The initial access token to hand out: the one there is while it can be or was used, else `fresh`. */
    openBoarding(id: string, fresh: InitialAccessToken): InitialAccessToken {
      const agent = known(id)
      const token = initialAccessTokens.ofAgent(id)
      if (token && (agent.boardingStatus === 'ONBOARDED' || token.expiresAt > fresh.issuedAt)) return token
      initialAccessTokens.replace(id, fresh)
      agents.setStatus(id, 'ONBOARDING')
      return fresh
    },
    /** Ends every secret, key and token of the agent. Throws `Conflict` when there is none. */
    offboard(id: string): Agent {
      if (known(id).boardingStatus === 'NOT_ONBOARDED') throw new Conflict('the agent is not onboarded')
      credentials.removeAll(id)
      initialAccessTokens.remove(id)
      agents.setStatus(id, 'NOT_ONBOARDED')
      agents.endGeneration(id)
      return known(id)
    },
    configuration(id: string): DataSourceConfiguration {
      known(id)
      return configurations.inForce(id)
    },
    /** Keeps the version before, and the mappings that shall be kept. `eTag` undefined: whatever is in force is replaced. */
    configure(
      id: string,
      update: DataSourceConfigurationUpdate,
      eTag: number | undefined,
      now: number,
    ): DataSourceConfiguration {
      known(id)
      const repeated = repeatedPointIds(update)
      if (repeated.length > 0) throw new Invalid(`data point ids are repeated: ${repeated.join(', ')}`)
      const current = Number(configurations.inForce(id).eTag)
      if (eTag !== undefined && eTag !== current) throw new StaleETag(current)
      const before = configurations.inForce(id)
      configurations.add(id, current + 1, update, now)
      const after = configurations.inForce(id)
      if (!isDeepStrictEqual({ ...before, eTag: after.eTag }, after)) dataPointMappings.removeUnkept(id)
      return after
    },
    /** The newest version of that name: uploads may be older than what is in force. */
    configurationNamed: (id: string, configurationId: string): DataSourceConfiguration | undefined =>
      configurations.named(id, configurationId),
  }
}

function assets({ assets }: Tables) {
  return {
    addAsset: (asset: Asset): void => {
      if (asset.parentId === null || !assets.find(asset.tenant, asset.parentId))
        throw new Invalid('parentId names no asset')
      assets.add(asset)
    },
    asset: (tenant: string, id: string): Asset | undefined => assets.find(tenant, id),
    /** Made at the first call. */
    rootAsset(tenant: string, freshId: string): Asset {
      const root = assets.root(tenant)
      if (root) return root
      const typeId = 'core.basicasset'
      const made = { id: freshId, tenant, parentId: null, name: tenant, typeId, description: null, eTag: 0 }
      assets.add(made)
      return made
    },
    assetPage: (query: PageQuery) => assets.page(query),
  }
}
