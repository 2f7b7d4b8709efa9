import { isDeepStrictEqual } from 'node:util'
import type { Definitions } from '../sources/index.ts'
import type { Content, Kept, Version } from './versions.ts'

/** A configuration that may come in force. */
export interface Candidate {
  origin: Version['origin']
  content: Content
  /** Digests of what need not be considered again. */
  seen: Kept['seen']
  /** Without a trial: it was in force before. */
  atOnce?: boolean
  /** The trial that a stop of the box interrupted. */
  resumed?: Version
  /** Why it is considered, where the origin does not say. */
  reason?: string
  /** Says where a fault of the local part stands. */
  placed?(fault: string): string
}

/** Of two data sources with one name that of the box wins, so that nobody far away takes it from a technician. */
export function definitionsOf({ hub, local }: Content): { definitions: Definitions; overridden: string[] } {
  const names = new Set(local.map(({ name }) => name))
  const all = hub?.dataSources ?? []
  return {
    definitions: { hub: all.filter(({ name }) => !names.has(name)), local },
    overridden: all.filter(({ name }) => names.has(name)).map(({ name }) => name),
  }
}

export const isSameDefinitions = (a: Content, b: Content): boolean =>
  isDeepStrictEqual(definitionsOf(a).definitions, definitionsOf(b).definitions)

export const isEmpty = (content: Content): boolean => {
  const { hub, local } = definitionsOf(content).definitions
  return hub.length + local.length === 0
}

export function versionOf(
  { origin, content, reason }: Candidate,
  number: number,
  at: number,
): Omit<Version, 'state'> {
  const { hub, local } = content
  return {
    ...{ number, origin, at },
    ...(hub ? { eTag: hub.eTag } : {}),
    ...(hub?.configurationId === undefined ? {} : { configurationId: hub.configurationId }),
    dataSources: definitionsOf(content).definitions.hub.length + local.length,
    ...(reason === undefined ? {} : { reason }),
  }
}
