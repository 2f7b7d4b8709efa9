import type { Database } from '../../core/sqlite.ts'
import { agentTable } from './agents.ts'
import { credentialTable } from './credentials.ts'
import { dataSourceConfigurationTable } from './data-source-configurations.ts'
import { initialAccessTokenTable } from './initial-access-tokens.ts'
import { removedAgentTable } from './removed-agents.ts'
import { serviceCredentialTable } from './service-credentials.ts'
import { signingKeyTable } from './signing-keys.ts'
import { tenantTable } from './tenants.ts'

export const registryTables = (db: Database) => ({
  tenants: tenantTable(db),
  serviceCredentials: serviceCredentialTable(db),
  signingKeys: signingKeyTable(db),
  agents: agentTable(db),
  initialAccessTokens: initialAccessTokenTable(db),
  credentials: credentialTable(db),
  configurations: dataSourceConfigurationTable(db),
  removedAgents: removedAgentTable(db),
})

export type Tables = ReturnType<typeof registryTables>
