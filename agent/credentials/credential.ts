import { createHash, type JsonWebKey } from 'node:crypto'
import Type, { type Static } from 'typebox'
import type { Random } from '../../core/random.ts'
import type { SecurityProfile } from '../../protocol/boarding.ts'
import { PublicJwk } from '../../protocol/registration.ts'

/** RFC 7517, RFC 7518 section 6.3.2. */
export const PrivateJwk = Type.Interface([PublicJwk], {
  d: Type.String(),
  p: Type.String(),
  q: Type.String(),
  dp: Type.String(),
  dq: Type.String(),
  qi: Type.String(),
})
export type PrivateJwk = Static<typeof PrivateJwk>

/** What signs an assertion: RSA_3072 has a key, SHARED_SECRET a secret. */
export const Proof = Type.Union([Type.Object({ key: PrivateJwk }), Type.Object({ secret: Type.String() })])
export type Proof = Static<typeof Proof>

/** What a registration gave. */
export const Credential = Type.Object({
  proof: Proof,
  /** Absent when the answer that held it was lost for good; the credential can then not be rotated. */
  registrationToken: Type.Optional(Type.String()),
  registrationUri: Type.String(),
  issuedAt: Type.Integer(),
  expiresAt: Type.Integer(),
  /** Drawn once, at issue. */
  rotateAt: Type.Integer(),
})
export type Credential = Static<typeof Credential>

/** What is sent to get a credential; on disk before it is sent, so that a retry is the same request. */
export const RegistrationAttempt = Type.Object({
  idempotencyKey: Type.String(),
  /** Only for RSA_3072. */
  key: Type.Optional(PrivateJwk),
})
export type RegistrationAttempt = Static<typeof RegistrationAttempt>

export async function newAttempt(profile: SecurityProfile, random: Random): Promise<RegistrationAttempt> {
  const idempotencyKey = random.uuid()
  return profile === 'RSA_3072' ? { idempotencyKey, key: await newKey(random) } : { idempotencyKey }
}

async function newKey(random: Random): Promise<PrivateJwk> {
  const key = await random.rsaKey(3072)
  return { kid: random.uuid(), ...key.export({ format: 'jwk' }) } as JsonWebKey as PrivateJwk
}

export const publicJwk = ({ kty, kid, n, e }: PrivateJwk): PublicJwk => ({ kty, kid, n, e })

/** Twelve hex digits that change with each rotation and tell nothing of the secret. */
export function credentialName(proof: Proof): string {
  return digest('key' in proof ? proof.key.n : digest(proof.secret)).slice(0, 12)
}

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
