import { compactVerify, errors, jwtVerify, SignJWT } from 'jose'
import Type, { type Static } from 'typebox'
import { parseJson, parser } from '../../core/schema.ts'
import { assertionAudience, assertionSchema } from '../../protocol/token.ts'
import type { SigningKey } from './signing-keys.ts'

/** Keeps a token of one use from passing as one of another. */
export type TokenUse = 'initial' | 'registration' | 'agent' | 'service' | 'technical'

const Claims = Type.Object({
  jti: Type.String(),
  /** Agent id, or client id of the service credential or the version of an app. */
  sub: Type.String(),
  ten: Type.String(),
  token_use: Type.Enum(['initial', 'registration', 'agent', 'service', 'technical']),
  /** Generation of the agent; only in its access tokens. */
  gen: Type.Optional(Type.Integer()),
  /** On which secret and consent it rests, and what it may open; only in technical tokens. */
  rev_sig: Type.Optional(Type.String()),
  scope: Type.Optional(Type.Array(Type.String())),
  /** Epoch seconds; a registration access token has none. */
  exp: Type.Optional(Type.Integer()),
})
export type Claims = Static<typeof Claims>
const parseClaims = parser(Claims)

/** The JWTs that this hub signs: the same claims always give the same text. */
export interface Jwts {
  sign(claims: Claims & Record<string, unknown>, issuedAt: number): Promise<string>
  /** Undefined unless signed by this hub for this use. With `now`, also when expired then. */
  read(text: string, use: TokenUse, now?: number): Promise<Claims | undefined>
}

const alg = 'RS256' // PKCS#1 v1.5 is deterministic
const algorithms = [alg]
/** The signature is what counts; a URL here would strand agents when the hub moves. */
const issuer = 'edgeward-hub'

/** The first key signs, all verify. */
export function createJwts(keys: readonly [SigningKey, ...SigningKey[]]): Jwts {
  const keyOf = ({ kid }: { kid?: string }) => {
    const key = keys.find((candidate) => candidate.kid === kid)
    if (!key) throw new errors.JWKSNoMatchingKey()
    return key.publicKey
  }
  return {
    sign: (claims, issuedAt) =>
      new SignJWT({
        iss: issuer,
        aud: [assertionAudience],
        schemas: [assertionSchema],
        iat: toSeconds(issuedAt),
        ...claims,
      })
        .setProtectedHeader({ alg, kid: keys[0].kid, typ: 'JWT' })
        .sign(keys[0].privateKey),
    async read(text, use, now) {
      try {
        const payload =
          now === undefined
            ? decode((await compactVerify(text, keyOf, { algorithms })).payload)
            : (await jwtVerify(text, keyOf, { algorithms, currentDate: new Date(now) })).payload
        const claims = parseClaims(payload, 'token')
        return claims.token_use === use ? claims : undefined
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined // that it does not hold is an answer
        throw error
      }
    },
  }
}

const decode = (payload: Uint8Array): unknown => parseJson(Buffer.from(payload).toString(), 'token')

export const toSeconds = (ms: number): number => Math.floor(ms / 1000)
