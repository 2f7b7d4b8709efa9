import type { AgentReport } from '../../protocol/agent-report.ts'
import type { Adoption } from './adoption.ts'
import { definitionsOf } from './candidate.ts'
import type { Consideration } from './consideration.ts'
import type { Version, Versions } from './versions.ts'

export interface ConfigurationStatus {
  /** Of the hub's part that is in force; absent before the first. */
  eTag?: string
  configurationId?: string
  dataSources: number
  dataPoints: number
  /** In force. */
  version?: number
  /** The newest one, while it is not the one in force. */
  tried?: Pick<Version, 'number' | 'origin' | 'state' | 'eTag' | 'configurationId' | 'reason' | 'faults'>
  /** Of a newer one that could not be put in force; the one before runs on. */
  faults?: readonly string[]
  /** Why the hub's could not be fetched. */
  reason?: string
  /** Local files that were read. */
  files?: readonly string[]
  /** Data sources of the hub that give way to local ones of the same name. */
  overridden?: readonly string[]
}

export interface StatusParts {
  versions: Versions
  adoption: Adoption
  consideration: Consideration
}

export function statusOf(parts: StatusParts, reason: string | undefined): ConfigurationStatus {
  const { versions, adoption, consideration } = parts
  const content = adoption.content()
  const { definitions, overridden } = definitionsOf(content)
  const { hub: fromHub, local } = consideration.faults()
  const [files, faults] = [consideration.localPaths(), [...local, ...fromHub]]
  const all = [...definitions.local, ...definitions.hub]
  const { eTag, configurationId } = content.hub ?? {}
  const { active } = versions.current()
  const tried = notInForce(parts)
  return {
    ...(eTag === undefined ? {} : { eTag }),
    ...(configurationId === undefined ? {} : { configurationId }),
    dataSources: all.length,
    dataPoints: all.reduce((sum, { dataPoints }) => sum + dataPoints.length, 0),
    ...(active === undefined ? {} : { version: active }),
    ...(tried ? { tried } : {}),
    ...(faults.length > 0 ? { faults } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(files.length > 0 ? { files } : {}),
    ...(overridden.length > 0 ? { overridden } : {}),
  }
}

function notInForce({ versions, consideration }: StatusParts): ConfigurationStatus['tried'] {
  const newest = versions.current().versions.at(-1)
  const { hub, local } = consideration.faults()
  if (newest?.state === 'refused' && hub.length + local.length === 0) return undefined // mended
  if (!newest || newest.state === 'active' || newest.state === 'replaced') return undefined
  const { at: _at, dataSources: _count, wasActive: _was, ...tried } = newest
  return tried
}

/** What the hub is told: what is in force, and what became of the newest. */
export function reportOf(parts: StatusParts): NonNullable<AgentReport['configuration']> {
  const { eTag, configurationId } = parts.adoption.content().hub ?? {}
  const tried = notInForce(parts)
  return {
    state: tried?.state ?? 'active',
    ...(eTag === undefined ? {} : { eTag }),
    ...(configurationId === undefined ? {} : { configurationId }),
    ...(tried ? { origin: tried.origin } : {}),
    ...(tried?.eTag === undefined ? {} : { tried: tried.eTag }),
    ...(tried?.reason === undefined ? {} : { reason: tried.reason }),
    ...(tried?.faults === undefined ? {} : { faults: tried.faults }),
  }
}
