import { compactVerify, type JWTPayload, SignJWT } from 'jose'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { isCanonical } from './canonical.ts'
import { type Claims, issuer, type Read, readPayload, type TechnicalClaims, types } from './claims.ts'
import { algorithm, type SigningKeys } from './keys.ts'
import { createVerified } from './verified.ts'

/** For whom a person's token is made; from and until when by the box's clock. */
export interface UserGrant {
  jti: string
  user: string
  createdAt: number
  expiresAt: number
}

/** For whom an app's own token is made. */
export interface TechnicalGrant {
  clientId: string
  credential: string
  epoch: string
  audience: readonly string[]
  scope: readonly string[]
}

/** Access tokens. A token says who made it and for whom; whether it is good now others say. */
export interface Tokens {
  mint(grant: UserGrant, roles: readonly string[]): Promise<string>
  mintTechnical(grant: TechnicalGrant): Promise<{ token: string; claims: TechnicalClaims }>
  /** Undefined when we did not make it, or not in exactly this text. */
  read(token: string): Promise<Read | undefined>
  /** The same without waiting, of what was read before. */
  known(token: string): Read | undefined
}

export interface TokensDeps {
  keys: SigningKeys
  clock: Clock
  random: Random
  sessionTime(): number
}

export function createTokens(
  { keys, clock, random, sessionTime }: TokensDeps,
  { technicalLifetimeMs }: { technicalLifetimeMs: number },
): Tokens {
  const verified = createVerified()
  keys.onRemoval(verified.clear)

  const sign = (claims: Claims | TechnicalClaims, typ: string): Promise<string> => {
    const { kid, private: key } = keys.current
    return new SignJWT(claims as JWTPayload).setProtectedHeader({ alg: algorithm, kid, typ }).sign(key)
  }

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
      return sign(claims, types.user)
    },
    async mintTechnical({ clientId, credential, epoch, audience, scope }) {
      const iat = Math.floor(clock.now() / 1000)
      const claims: TechnicalClaims = {
        aud: audience.length > 0 ? [...audience] : [issuer],
        client_id: clientId,
        credential,
        epoch,
        ends: sessionTime() + technicalLifetimeMs,
        exp: iat + Math.floor(technicalLifetimeMs / 1000),
        iat,
        iss: issuer,
        jti: random.uuid(),
        nbf: iat,
        scp: [...scope],
        sub: clientId,
      }
      return { token: await sign(claims, types.technical), claims }
    },
    async read(token) {
      const known = verified.get(token)
      if (known) return known
      if (!isCanonical(token)) return undefined
      const read = await verify(token, keys)
      if (read) verified.add(token, read)
      return read
    },
    known: verified.get,
  }
}

async function verify(token: string, keys: SigningKeys): Promise<Read | undefined> {
  try {
    const { payload, protectedHeader } = await compactVerify(token, ({ kid }) => keyOf(kid, keys), {
      algorithms: [algorithm],
    })
    return readPayload(protectedHeader.typ, JSON.parse(Buffer.from(payload).toString()))
  } catch {
    return undefined // garbage, foreign or forged: all the same to us
  }
}

function keyOf(kid: string | undefined, keys: SigningKeys) {
  const key = keys.find(kid)
  if (!key) throw new Error('unknown key')
  return key.public
}
