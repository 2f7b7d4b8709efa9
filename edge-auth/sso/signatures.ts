import {
  createLocalJWKSet,
  errors,
  importSPKI,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import type { ServerMetadata } from 'openid-client'
import Type from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { type AskProvider, ProviderMisbehaves } from './fetch.ts'
import { createKept } from './kept.ts'
import { algorithms, type ProviderSettings } from './provider.ts'

/** A token that the provider has not signed, or not for us, or not for now. */
export class TokenRefused extends EdgeError {
  override readonly name = 'TokenRefused'
  readonly code = 'token_refused'
  override readonly statusCode = 400
}

export interface Expected {
  /** One of them; undefined: any, for who looks at it himself. */
  audience: string | undefined
  /** Header `typ`. */
  type?: string
  /** Whether `exp` must be there, and is looked at. */
  expires?: boolean
  /** Whether `iss` must be the provider's. */
  issuer?: boolean
}

export interface VerifiedToken {
  readonly header: JWTHeaderParameters
  readonly claims: JWTPayload
}

/** Proves that the provider has signed it, with a key of its own. Throws `TokenRefused`, and as `AskProvider`. */
export type VerifySignature = (
  token: string,
  settings: ProviderSettings,
  metadata: ServerMetadata,
  expected: Expected,
) => Promise<VerifiedToken>

export interface SignatureDeps {
  askProvider: AskProvider
  clock: Pick<Clock, 'monotonic'>
  /** Epoch milliseconds, proven where they are. */
  now(): number
}

const keysGoodForMs = 600_000
/** A key id that nobody knows makes us ask the provider; a stranger may send any number. */
const askAgainAfterMs = 30_000
const maxKeys = 64
const maxTokenBytes = 64 * 1024

type LocalKeys = ReturnType<typeof createLocalJWKSet>
const parseKeys = parser(
  Type.Object({ keys: Type.Array(Type.Object({ kty: Type.String() }), { maxItems: maxKeys }) }),
)

export function createVerifySignature({ askProvider, clock, now }: SignatureDeps): VerifySignature {
  const kept = createKept<LocalKeys>(clock)

  const fetchKeys = async (
    settings: ProviderSettings,
    { jwks_uri: url }: ServerMetadata,
  ): Promise<LocalKeys> => {
    if (url === undefined) throw new ProviderMisbehaves('the provider publishes no keys (jwks_uri)')
    const answer = await askProvider(settings)(url, {
      ...{ method: 'GET', headers: { accept: 'application/json' }, body: undefined, redirect: 'manual' },
    })
    if (answer.status !== 200) throw new ProviderMisbehaves(`${url} answers ${answer.status}, not with keys`)
    const { keys } = parseKeys(parseJson(await answer.text(), url), url)
    // A shared secret among them is none.
    return createLocalJWKSet({ keys: keys.filter(({ kty }) => kty !== 'oct') } as JSONWebKeySet)
  }
  const keysOf = (settings: ProviderSettings, metadata: ServerMetadata, maxAgeMs: number) =>
    kept.get(settings, { maxMs: maxAgeMs, orOlder: true }, () => fetchKeys(settings, metadata))

  const check = async (token: string, settings: ProviderSettings, key: Key, expected: Expected) => {
    const { audience, type, expires = true, issuer = true } = expected
    const { payload, protectedHeader } = await withEach(key, token, {
      algorithms: settings.signature.by === 'key' ? [settings.signature.algorithm] : [...algorithms],
      ...(issuer ? { issuer: settings.issuer } : {}),
      ...(audience === undefined ? {} : { audience }),
      ...(type === undefined ? {} : { typ: type }),
      ...(expires ? { requiredClaims: ['exp'] } : {}),
      clockTolerance: settings.clockToleranceSeconds,
      currentDate: new Date(now()),
    })
    return { header: protectedHeader, claims: payload }
  }

  return async (token, settings, metadata, expected) => {
    if (token.length > maxTokenBytes) throw new TokenRefused('the token is too long')
    try {
      if (settings.signature.by === 'key')
        return await check(token, settings, await ownKey(settings, now()), expected)
      const keys = await keysOf(settings, metadata, keysGoodForMs)
      return await check(token, settings, keys, expected).catch(async (error) => {
        // Keys rotate: an id, or where there are none a signature, that no kept key fits.
        if (!mayBeOfNewKey(error)) throw error
        const newer = await keysOf(settings, metadata, askAgainAfterMs)
        if (newer === keys) throw error
        return check(token, settings, newer, expected)
      })
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError)
        throw new TokenRefused(`the token is refused: ${error.message}`, { cause: error })
      throw error
    }
  }
}

type Key = LocalKeys | Awaited<ReturnType<typeof importSPKI>>

/** A token that names no key may be of any that fits. */
async function withEach(key: Key, token: string, options: JWTVerifyOptions) {
  if (typeof key !== 'function') return jwtVerify(token, key, options)
  try {
    return await jwtVerify(token, key, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const one of error) {
      const verified = await jwtVerify(token, one, options).catch((failed) => {
        if (!(failed instanceof errors.JWSSignatureVerificationFailed)) throw failed
      })
      if (verified) return verified
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

const mayBeOfNewKey = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed

async function ownKey({ signature }: ProviderSettings, now: number) {
  if (signature.by !== 'key') throw new Error('the keys of this provider are published')
  const { notBefore = 0, notAfter = Number.POSITIVE_INFINITY } = signature
  if (now < notBefore || now > notAfter)
    throw new TokenRefused('the key that was given for this provider is not valid now')
  return importSPKI(signature.publicKey, signature.algorithm)
}
