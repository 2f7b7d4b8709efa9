import type { Database } from '../../core/sqlite.ts'
import { commandTable } from '../commands/command-table.ts'
import { agentTable } from './agents.ts'
import { appSubscriptionTable } from './app-subscriptions.ts'
import { appSecretTable, appTable } from './apps.ts'
import { assetTable } from './assets.ts'
import { credentialTable } from './credentials.ts'
import { dataPointMappingTable } from './data-point-mappings.ts'
import { dataSourceConfigurationTable } from './data-source-configurations.ts'
import { diagnosticActivationTable } from './diagnostic-activations.ts'
import { eventMappingTable } from './event-mappings.ts'
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
  dataPointMappings: dataPointMappingTable(db),
  eventMappings: eventMappingTable(db),
  diagnosticActivations: diagnosticActivationTable(db),
  assets: assetTable(db),
  apps: appTable(db),
  appSecrets: appSecretTable(db),
  subscriptions: appSubscriptionTable(db),
  commands: commandTable(db),
})

export type Tables = ReturnType<typeof registryTables>
