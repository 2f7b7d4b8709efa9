import type { Rate } from './http/rate.ts'

export interface TechnicalTokenLimits {
  lifetimeMs: number
  /** How long an app's secret is good beside the one that follows it. */
  secretOverlapMs: number
  /** User tenants in one request. */
  perRequest: number
  tenantsPerPage: number
  /** Requests of a version of an app. */
  rate: readonly Rate[]
}

/** What the hub allows; Insights Hub's numbers by default. */
export interface HubLimits {
  /** Bytes of one request that uploads: an exchange, a file or a part of one. */
  uploadBytes: number
  /** Bytes of a file with all its parts. */
  fileBytes: number
  agentsPerTenant: number
  diagnosticActivationsPerTenant: number
  eventMappingsPerAgent: number
  /** Of one agent. */
  eventMappingsPerEventType: number
  /** Of a tenant. */
  listAgents: readonly Rate[]
  deleteAgents: readonly Rate[]
  /** Of an agent. */
  exchange: readonly Rate[]
  technicalTokens: TechnicalTokenLimits
}
