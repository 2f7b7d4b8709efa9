import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { Clock } from '../../core/clock.ts'
import type { Audit } from '../audit/audit.ts'
import type { SigningKey, Store } from '../store/index.ts'

export const algorithm = 'ES256'

export interface Key extends SigningKey {
  readonly private: CryptoKey
  readonly public: CryptoKey
  readonly publicJwk: JWK
}

/**
 * The keys that sign tokens. One is current; the next is published before it signs anything, so that who
 * keeps the key set knows it in time; a previous one stays as long as a token that it signed is good.
 */
export interface SigningKeys {
  readonly current: Key
  find(kid: string | undefined): Key | undefined
  /** RFC 7517 key set; public parts only. */
  readonly jwks: { keys: JWK[] }
  /** The next key signs from now on. When this resolves, that is on disk. */
  rotate(): Promise<void>
  /** Rotates when the current key is old enough, until aborted. */
  run(signal: AbortSignal): Promise<void>
  /** Called when a key is no longer good. */
  onRemoval(listener: () => void): void
}

export interface SigningKeysDeps {
  store: Store
  clock: Clock
  audit: Audit
  /** Session time: by it tokens end, so by it the keys go that they need. */
  sessionTime(): number
  /** How long a token that is made now may be good. */
  longestLifetimeMs(): number
}

const dayMs = 86_400_000
const rotateAfterMs = 90 * dayMs
/** A previous key outlives its last token by this. */
const graceMs = 60_000
const checkEveryMs = 3_600_000

/** Makes the keys that are missing. */
export async function openSigningKeys(deps: SigningKeysDeps): Promise<SigningKeys> {
  const { store, clock, audit, sessionTime } = deps
  let keys = await Promise.all(store.contents.signingKeys.map(importKey))
  const listeners: (() => void)[] = []

  const next = (): Key | undefined => keys.find(({ activatedAt }) => activatedAt === null)
  const current = (): Key | undefined =>
    keys.find(({ activatedAt, keptUntil }) => activatedAt !== null && keptUntil === null)

  const isOver = ({ keptUntil }: SigningKey): boolean => keptUntil !== null && keptUntil <= sessionTime()

  /** One commit, so a cut leaves the keys as they were or as they are to be. */
  const put = async (changed: SigningKey[], why: 'first' | 'rotated' | 'swept'): Promise<void> => {
    const ready = await Promise.all(changed.map(importKey))
    const gone = keys.filter(isOver)
    if (changed.length + gone.length === 0) return
    const removed = gone.map(({ kid }) => kid)
    const left = keys.filter(({ kid }) => !removed.includes(kid) && !changed.some((key) => key.kid === kid))
    const kept = [...left, ...ready]
    await store.change((disk) =>
      disk.call(
        'putSigningKeys',
        [
          audit.keysChanged(
            why,
            kept.map(({ kid }) => kid),
            removed,
          ),
        ],
        changed,
        removed,
      ),
    )
    keys = kept
    if (removed.length > 0) for (const listener of listeners) listener()
  }

  /** One at a time: it reads the keys, makes one, and only then writes. */
  let last: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work)
    last = done.catch(() => {}) // told to the caller
    return done
  }

  const rotate = (): Promise<void> =>
    inTurn(async () => {
      const now = clock.now()
      const keptUntil = sessionTime() + deps.longestLifetimeMs() + graceMs
      const retired: SigningKey = { ...stored(current() as Key), keptUntil }
      await put(
        [retired, { ...stored(next() as Key), activatedAt: now }, await makeKey(now, null)],
        'rotated',
      )
    })

  const isDue = (): boolean => {
    const age = clock.now() - ((current() as Key).activatedAt ?? 0)
    return age >= rotateAfterMs || age < -dayMs // taken up while the clock was far ahead
  }

  await inTurn(async () => {
    const now = clock.now()
    const missing: SigningKey[] = []
    if (!current()) missing.push(await makeKey(now, now))
    if (!next()) missing.push(await makeKey(now, null))
    if (missing.length > 0) await put(missing, 'first')
  })

  return {
    get current() {
      return current() as Key
    },
    find: (kid) => keys.find((key) => key.kid === kid),
    get jwks() {
      return { keys: keys.map(({ publicJwk }) => publicJwk) }
    },
    rotate,
    async run(signal) {
      while (!signal.aborted) {
        if (isDue()) await rotate()
        else await inTurn(() => put([], 'swept'))
        await clock.sleep(checkEveryMs, signal).catch(() => {}) // aborted
      }
    },
    onRemoval: (listener) => void listeners.push(listener),
  }
}

async function makeKey(now: number, activatedAt: number | null): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  const kid = await calculateJwkThumbprint(privateJwk)
  return { kid, privateJwk, createdAt: now, activatedAt, keptUntil: null }
}

const stored = ({ kid, privateJwk, createdAt, activatedAt, keptUntil }: Key): SigningKey => ({
  ...{ kid, privateJwk, createdAt, activatedAt, keptUntil },
})

async function importKey(key: SigningKey): Promise<Key> {
  const { kty, crv, x, y } = key.privateJwk
  const publicJwk = { kty, crv, x, y, kid: key.kid, alg: algorithm, use: 'sig' } as JWK
  return {
    ...key,
    private: (await importJWK(key.privateJwk, algorithm)) as CryptoKey,
    public: (await importJWK(publicJwk, algorithm)) as CryptoKey,
    publicJwk,
  }
}
