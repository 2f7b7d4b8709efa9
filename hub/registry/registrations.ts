import { isDeepStrictEqual } from 'node:util'
import { Invalid } from '../../core/errors.ts'
import { TokenRefused } from '../errors.ts'
import type { Agent } from './agents.ts'
import type { AgentKey, Credential } from './credentials.ts'
import type { Tables } from './tables.ts'

/**
 * What becomes of older credentials when a rotation is applied. `lenient`: each stays good until a newer
 * one has been used, and a repeated request gets the same answer. `strict`: they end at once, and no
 * answer is given twice, so that an agent which did not get it is locked out.
 */
export type RatPolicy = 'lenient' | 'strict'

/** One POST or PUT /register, whose token's signature has been verified. */
export interface RegistrationAttempt {
  agentId: string
  /** `jti` of the presented initial or registration access token. */
  presentedJti: string
  idempotencyKey: string | null
  /** For SHARED_SECRET a fresh secret; for RSA_3072 the key that the agent sent. */
  key: AgentKey
  /** Name of the registration access token to hand out. */
  ratJti: string
  now: number
  lifetimeMs: number
  ratPolicy: RatPolicy
}

/** How long a secret or key outlives its successor's making, while that has not been used. */
const graceMs = 24 * 3_600_000

/** Registration and rotation. Throws `TokenRefused`, or `Invalid` when the key does not fit the profile. */
export function registrations({ agents, initialAccessTokens, credentials }: Tables) {
  return {
    /** Uses up the initial access token; a repeat of the request that did gets the same credential. */
    register(attempt: RegistrationAttempt): Credential {
      const { agentId, presentedJti, now } = attempt
      const agent = agents.find(agentId)
      const token = initialAccessTokens.ofAgent(agentId)
      if (!agent || token?.jti !== presentedJti) throw new TokenRefused()
      refuseWrongKey(agent, attempt.key)
      if (token.usedAt !== null) return repeated(attempt) ?? refuse()
      if (token.expiresAt <= now) throw new TokenRefused()
      initialAccessTokens.use(agentId, now)
      agents.setStatus(agentId, 'ONBOARDED')
      return issue(attempt)
    },
    /** Makes a new credential; the one before stays good until the agent proves that this one arrived. */
    rotate(attempt: RegistrationAttempt): Credential {
      const { agentId, presentedJti, now } = attempt
      const agent = agents.find(agentId)
      const presented = credentials.byRat(agentId, presentedJti)
      if (!agent || !presented) throw new TokenRefused()
      refuseWrongKey(agent, attempt.key)
      const answered = repeated(attempt)
      if (answered) return answered
      if (attempt.ratPolicy === 'strict') credentials.removeAll(agentId)
      else credentials.useRat(presented.id, now)
      return issue(attempt)
    },
    /** Newest first; what an assertion of this agent may be signed with. */
    credentialsInForce(agentId: string, now: number): Credential[] {
      return credentials.inForce(agentId, now, graceMs)
    },
    newestCredential: (agentId: string): Credential | undefined => credentials.newest(agentId),
    /** The secret or key has signed an accepted assertion: older ones end. */
    keyUsed: (credentialId: number, now: number): void => credentials.useKey(credentialId, now),
  }

  function issue({
    agentId,
    presentedJti,
    idempotencyKey,
    key,
    ratJti,
    now,
    lifetimeMs,
  }: RegistrationAttempt) {
    return credentials.add(agentId, {
      ...key,
      ratJti,
      issuedAt: now,
      expiresAt: now + lifetimeMs,
      presentedJti,
      idempotencyKey,
    })
  }

  /** The credential that this very request has already obtained, as long as its answer may not have arrived. */
  function repeated({
    agentId,
    presentedJti,
    idempotencyKey,
    key,
    ratPolicy,
  }: RegistrationAttempt): Credential | undefined {
    const newest = credentials.newest(agentId)
    if (!newest || idempotencyKey === null || ratPolicy === 'strict') return undefined
    const isSame = newest.presentedJti === presentedJti && newest.idempotencyKey === idempotencyKey
    return isSame && !hasArrived(newest) && isDeepStrictEqual(newest.jwk, key.jwk) ? newest : undefined
  }
}

/** A secret came with the answer, so its use proves the answer; an RSA key the agent had before. */
const hasArrived = ({ ratUsedAt, keyUsedAt, secret }: Credential): boolean =>
  ratUsedAt !== null || (secret !== undefined && keyUsedAt !== null)

function refuseWrongKey({ securityProfile }: Agent, key: AgentKey): void {
  const wanted = securityProfile === 'RSA_3072'
  if (wanted !== (key.jwk !== undefined))
    throw new Invalid(
      wanted ? 'jwks is required by the profile RSA_3072' : 'jwks does not fit the profile SHARED_SECRET',
    )
}

function refuse(): never {
  throw new TokenRefused()
}
