import { hash } from 'node:crypto'
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import Type, { type Static } from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { parser } from '../../core/schema.ts'
import type { AppVersion, Store } from '../store/index.ts'
import { isCanonical } from '../tokens/canonical.ts'
import type { Apps, Client } from './apps.ts'
import { InvalidClient } from './client-errors.ts'
import { assertionAlgorithms } from './public-keys.ts'

/** RFC 7523 3, with what is optional there and needed to refuse a repeated one. */
const Assertion = Type.Object({
  iss: Type.String(),
  sub: Type.String(),
  aud: Type.Union([Type.String(), Type.Array(Type.String())]),
  exp: Type.Number(),
  iat: Type.Number(),
  nbf: Type.Optional(Type.Number()),
  jti: Type.String({ minLength: 1, maxLength: 256 }),
})
type Assertion = Static<typeof Assertion>
const parseAssertion = parser(Assertion)

/** An app's clock may be this far from ours. */
const skewSeconds = 30
const maxLifetimeSeconds = 600
/** Remembered until they are over; who presents more in ten minutes keeps a token instead. */
const maxRemembered = 20_000

/** Who signed the assertion. Throws `InvalidClient`, also for one that was used before. */
export type CheckAssertion = (assertion: string, audiences: readonly string[]) => Promise<Client>

export interface CheckAssertionDeps {
  apps: Apps
  clock: Clock
  store: Store
  sessionTime(): number
}

/**
 * Which assertions were used is known in memory. A restart forgets that, so what may be older than it is
 * refused, the whole second of the start included: assertions tell no more. One that says it was made later
 * than now is remembered on disk.
 */
export function createCheckAssertion({
  apps,
  clock,
  store,
  sessionTime,
}: CheckAssertionDeps): CheckAssertion {
  const nowSeconds = (): number => Math.floor(clock.now() / 1000)
  const startedAt = nowSeconds()
  /** Hash of client and jti → when it is over, in session time. */
  const used = new Map(store.contents.revokedTokens.map(({ jti, endsAt }) => [jti, endsAt]))

  const isFresh = ({ iat, exp, nbf = iat }: Assertion): boolean => {
    const now = clock.now() / 1000
    const latest = now + skewSeconds
    return exp > now - skewSeconds && exp <= latest + maxLifetimeSeconds && Math.max(iat, nbf) <= latest
  }

  /** Where the clock was set back since the start, this second counts. */
  const mayBeForgotten = ({ iat }: Assertion): boolean =>
    nowSeconds() < startedAt ? iat < nowSeconds() : iat <= startedAt

  /** False when it was used before. When this resolves, a use that a restart would not know is on disk. */
  const useOnce = async ({ sub, jti, exp, iat }: Assertion): Promise<boolean> => {
    const now = sessionTime()
    const key = hash('sha256', JSON.stringify([sub, jti]), 'base64url')
    if (used.has(key)) return false
    if (used.size >= maxRemembered) for (const [old, overAt] of used) if (overAt <= now) used.delete(old)
    if (used.size >= maxRemembered) return false
    const endsAt = now + Math.ceil(Math.max(0, exp * 1000 - clock.now())) + 2 * skewSeconds * 1000
    used.set(key, endsAt)
    if (iat > nowSeconds())
      await store.change((disk) => disk.call('revokeToken', [], { jti: key, endsAt }, now))
    return true
  }

  return async (text, audiences) => {
    const claimed = claimedClient(text)
    const refuse = (reason: string): never => {
      throw new InvalidClient(reason, claimed)
    }
    const app = claimed === undefined ? undefined : apps.find(claimed)
    if (!app || !isCanonical(text)) return refuse('unknown_client')
    const signed = await verifiedBy(text, app.versions)
    if (!signed) return refuse('wrong_signature')
    const { version, claims } = signed
    if (claims.iss !== app.clientId || claims.sub !== app.clientId) return refuse('wrong_issuer')
    if (![claims.aud].flat().some((aud) => audiences.includes(aud))) return refuse('wrong_audience')
    if (!isFresh(claims)) return refuse('assertion_not_fresh')
    if (mayBeForgotten(claims)) return refuse('assertion_not_after_start')
    if (!(await useOnce(claims))) return refuse('assertion_used_before')
    return apps.byCredential(app.clientId, version.credentialId) ?? refuse('unknown_client')
  }
}

/** Before anything is verified: only to know whose keys to try. */
function claimedClient(text: string): string | undefined {
  try {
    const { sub } = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString())
    return typeof sub === 'string' ? sub.slice(0, 64) : undefined
  } catch {
    return undefined
  }
}

async function verifiedBy(
  text: string,
  versions: readonly AppVersion[],
): Promise<{ version: AppVersion; claims: Assertion } | undefined> {
  for (const version of versions)
    for (const key of candidates(text, version.keys ?? [])) {
      const claims = await verify(text, key)
      if (claims) return { version, claims }
    }
  return undefined
}

/** The key that the header names, where both have a name; the algorithm is the key's, whatever it says. */
function candidates(text: string, keys: readonly JWK[]): JWK[] {
  try {
    const { kid } = decodeProtectedHeader(text)
    return keys.filter((key) => kid === undefined || key.kid === undefined || key.kid === kid)
  } catch {
    return []
  }
}

async function verify(text: string, jwk: JWK): Promise<Assertion | undefined> {
  try {
    const algorithms = [jwk.alg as string].filter((alg) => assertionAlgorithms.includes(alg))
    const { payload } = await compactVerify(text, await importJWK(jwk), { algorithms })
    return parseAssertion(JSON.parse(Buffer.from(payload).toString()), 'client assertion')
  } catch {
    return undefined // not this key, or not an assertion
  }
}
