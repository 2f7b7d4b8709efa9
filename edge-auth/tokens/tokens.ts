import {
  type CryptoKey,
  calculateJwkThumbprint,
  compactVerify,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose'
import Type, { type Static } from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { parser } from '../../core/schema.ts'
import type { Session, SigningKey, Store } from '../store/index.ts'

export const issuer = 'urn:industrial.edge.device'
const algorithm = 'ES256'

/** Payload of an access token. Times are epoch seconds. */
export const Claims = Type.Object({
  aud: Type.Tuple([Type.Literal('')]),
  client_id: Type.Literal('authsdk'),
  exp: Type.Integer(),
  iat: Type.Integer(),
  iss: Type.Literal(issuer),
  jti: Type.String(),
  nbf: Type.Integer(),
  roles: Type.Array(Type.String()),
  scp: Type.Tuple([Type.Literal('openid')]),
  sub: Type.String(),
})
export type Claims = Static<typeof Claims>
const parseClaims = parser(Claims)

/** Access tokens. A token says who made it and for whom; whether it is good now its session says. */
export interface Tokens {
  mint(session: Session, roles: readonly string[]): Promise<string>
  /** Undefined when we did not make it, or not in exactly this text. */
  verify(token: string): Promise<Claims | undefined>
  /** RFC 7517 key set; public parts only. */
  readonly jwks: { keys: JWK[] }
}

interface Key {
  kid: string
  private: CryptoKey
  public: CryptoKey
  publicJwk: JWK
}

/** More verified tokens than people on one box; a full cache is emptied. */
const maxVerified = 4096

/** Makes the signing key when there is none. */
export async function createTokens({ store, clock }: { store: Store; clock: Clock }): Promise<Tokens> {
  const stored = store.contents.signingKeys
  const keys = await Promise.all((stored.length > 0 ? stored : [await makeKey(store, clock)]).map(importKey))
  const current = keys.at(-1) as Key
  const verified = new Map<string, Claims>()

  return {
    mint: ({ jti, user, createdAt, expiresAt }, roles) => {
      const iat = Math.floor(createdAt / 1000)
      const exp = Math.floor(expiresAt / 1000)
      const claims: Claims = {
        aud: [''],
        client_id: 'authsdk',
        exp,
        iat,
        iss: issuer,
        jti,
        nbf: iat,
        roles: [...roles],
        scp: ['openid'],
        sub: user,
      }
      return new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, kid: current.kid, typ: 'JWT' })
        .sign(current.private)
    },
    async verify(token) {
      const known = verified.get(token)
      if (known) return known
      if (!isCanonical(token)) return undefined
      const claims = await verifySignature(token, keys)
      if (!claims) return undefined
      if (verified.size >= maxVerified) verified.clear()
      verified.set(token, claims)
      return claims
    },
    jwks: { keys: keys.map((key) => key.publicJwk) },
  }
}

/**
 * The one text of a token. Decoders also take padding, blanks, the other alphabet and stray bits in the
 * last character, so without this one token would have many texts.
 */
export function isCanonical(token: string): boolean {
  if (token.length > 4096 || !/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(token)) return false
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}

async function verifySignature(token: string, keys: readonly Key[]): Promise<Claims | undefined> {
  try {
    const { payload } = await compactVerify(token, ({ kid }) => keyOf(kid, keys), { algorithms: [algorithm] })
    return parseClaims(JSON.parse(Buffer.from(payload).toString()), 'access token')
  } catch {
    return undefined // garbage, foreign or forged: all the same to us
  }
}

function keyOf(kid: string | undefined, keys: readonly Key[]): CryptoKey {
  const key = keys.find((candidate) => candidate.kid === kid)
  if (!key) throw new Error('unknown key')
  return key.public
}

async function makeKey(store: Store, clock: Clock): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  const kid = await calculateJwkThumbprint(privateJwk)
  const key: SigningKey = { kid, privateJwk, createdAt: clock.now() }
  await store.change((disk) => disk.call('addSigningKey', key))
  return key
}

async function importKey({ kid, privateJwk }: SigningKey): Promise<Key> {
  const { kty, crv, x, y } = privateJwk
  const publicJwk = { kty, crv, x, y, kid, alg: algorithm, use: 'sig' } as JWK
  return {
    kid,
    private: (await importJWK(privateJwk, algorithm)) as CryptoKey,
    public: (await importJWK(publicJwk, algorithm)) as CryptoKey,
    publicJwk,
  }
}
