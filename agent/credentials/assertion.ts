import { createPrivateKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { assertionAudience, assertionSchema } from '../../protocol/token.ts'
import type { Proof } from './credential.ts'

const lifeSeconds = 1800

export interface AssertionClaims {
  tenant: string
  agentId: string
  /** Epoch milliseconds, as the hub counts them. */
  now: number
  jti: string
}

/** The agent's own statement of who it is, which it trades for an access token (RFC 7523). */
export function signAssertion(proof: Proof, { tenant, agentId, now, jti }: AssertionClaims): Promise<string> {
  const issued = Math.floor(now / 1000)
  const token = new SignJWT({ ten: tenant, schemas: [assertionSchema] })
    .setIssuer(agentId)
    .setSubject(agentId)
    .setAudience([assertionAudience])
    .setIssuedAt(issued)
    .setNotBefore(issued)
    .setExpirationTime(issued + lifeSeconds)
    .setJti(jti)
  if ('key' in proof) {
    const key = createPrivateKey({ key: proof.key, format: 'jwk' })
    return token.setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: proof.key.kid }).sign(key)
  }
  return token.setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(new TextEncoder().encode(proof.secret))
}
