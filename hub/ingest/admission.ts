import type { Clock } from '../../core/clock.ts'
import { type AgentTopics, agentTopics, mqttClientId } from '../../protocol/topics.ts'
import type { AgentPrincipal } from '../tokens/index.ts'

/** What a client presents in its CONNECT packet. */
export interface Credentials {
  clientId: string
  username: string | undefined
  /** An access token. */
  password: Buffer | undefined
}

export interface Admitted {
  principal: AgentPrincipal
  topics: AgentTopics
}

/**
 * An agent is let in under its own name and client id alone: a client id that another agent may take
 * would end that agent's connection. Undefined when it is not let in; rejects when nobody can tell.
 */
export async function admit(
  { clientId, username, password }: Credentials,
  verify: (accessToken: string) => Promise<AgentPrincipal | undefined>,
  clock: Clock,
): Promise<Admitted | undefined> {
  if (username === undefined || password === undefined) return undefined
  const principal = await verify(password.toString())
  if (principal === undefined || principal.expiresAt <= clock.now()) return undefined
  const { tenant, agentId } = principal
  if (username !== agentId || clientId !== mqttClientId(tenant, agentId)) return undefined
  return { principal, topics: agentTopics(tenant, agentId) }
}

/** Also a filter with wildcards stays within the agent's own prefix, for it begins with that prefix. */
export const maySubscribe = ({ topics }: Admitted, filter: string): boolean =>
  filter.startsWith(topics.inbound.slice(0, -1))

const publishKinds = ['batch', 'gap', 'status', 'timeSeries', 'commandUpdate'] as const
export type PublishKind = (typeof publishKinds)[number]

/** Only what is kept may be sent: a PUBACK for anything else would promise too much. */
export const kindOf = (
  { topics }: Admitted,
  { topic, retain }: { topic: string; retain?: boolean },
): PublishKind | undefined =>
  retain === true ? undefined : publishKinds.find((kind) => topics[kind] === topic)
