import { openThread, type Thread, threadUrl } from '../../core/thread.ts'
import type { RegistryMethods } from './registry.ts'

export type { Agent } from './agents.ts'
export type { AppVersion } from './apps.ts'
export type { Asset } from './assets.ts'
export type { AgentKey } from './credentials.ts'
export type { EventMapping } from './event-mappings.ts'
export type { InitialAccessToken } from './initial-access-tokens.ts'
export type { MappedPoint } from './mappings.ts'
export type { RatPolicy, RegistrationAttempt } from './registrations.ts'

/**
 * Who may speak to this hub: tenants, agents, their credentials and configurations; owns registry.db.
 * Each call is one transaction: when it resolves the change is on disk.
 */
export type Registry = Thread<RegistryMethods>

export const openRegistry = (dir: string): Promise<Registry> =>
  openThread<RegistryMethods>(threadUrl('thread', import.meta.url), { dir })
