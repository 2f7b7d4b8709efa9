import { EdgeError } from '../../core/errors.ts'
import type { Audit, Sender } from '../audit/audit.ts'
import type { SessionTime } from '../sessions/session-time.ts'
import type { KnownAddress, Store } from '../store/index.ts'
import { sourceOf } from './source-address.ts'
import { type Bucket, createBuckets } from './throttle-buckets.ts'

export interface ThrottlePolicy {
  /** Failures of one user name from one address. */
  attempts: number
  windowMs: number
  blockMs: number
  /** Each block is twice as long as the one before, up to this; all alike when absent. */
  longestBlockMs?: number | undefined
}

/**
 * Slows guessing. Counted are failures of one name from one address; of one name from all addresses
 * where that user has not signed in lately; and of one address with all names that it is not known for.
 * So a stranger can keep strangers out, but nobody from where he works.
 */
export interface Throttle {
  /** Before the password is looked at; what comes of it must be told. Throws `TooManyAttempts`. */
  admit(username: string, sender: Sender): Admission
  /** The user's next attempts count from nothing, from everywhere. */
  unlock(user: string): Promise<void>
}

export interface Admission {
  /** To be kept with the session that is opened; `know` when it is. */
  succeeded(): KnownAddress
  /** When this resolves, a block that it brings is on disk. `user` where there is one. */
  failed(user: string | undefined): Promise<void>
  /** The password was not looked at. */
  withdrawn(): void
}

export class TooManyAttempts extends EdgeError {
  override readonly name = 'TooManyAttempts'
  readonly code = 'too_many_attempts'
  override readonly statusCode = 429
  override readonly retryable = true
  override readonly retryAfterMs: number
  override readonly cure = 'Wait, or sign in from where you have signed in before.'

  constructor(retryAfterMs: number) {
    super('too many failed sign-ins')
    this.retryAfterMs = retryAfterMs
  }
}

export interface ThrottleDeps {
  store: Store
  audit: Audit
  time: SessionTime
  isUser(name: string): boolean
}

type Scope = 'user and address' | 'user' | 'address'
interface Counted {
  scope: Scope
  subject: string
  bucket: Bucket
  limit: number
}

/** Beside one name from one address, in its limits. */
const strangersPerUser = 4
const namesPerAddress = 10
const maxSubjects = 10_000
/** What is longer is nobody's name. */
const longestName = 128
const knownForMs = 30 * 86_400_000
/** While as many are under way as may fail. */
const soonMs = 1_000

export function createThrottle(deps: ThrottleDeps, policy: ThrottlePolicy): Throttle {
  const { store, audit, time, isUser } = deps
  const known = new Map(
    store.contents.knownAddresses.map((one) => [pairOf(one.user, one.address), one.seenAt]),
  )
  const pairs = createBuckets(maxSubjects)
  const addresses = createBuckets(maxSubjects)
  const strangers = createBuckets(maxSubjects)
  const users = createBuckets(Number.POSITIVE_INFINITY) // as many as there are users
  const bucketsOf = (subject: string) =>
    subject.startsWith('a ') ? addresses : subject.startsWith('p ') ? pairs : users
  for (const { subject, endsAt } of store.contents.lockouts)
    bucketsOf(subject).get(subject).lockedUntil = endsAt

  const remember = (pair: string, seenAt: number): void => {
    known.delete(pair)
    known.set(pair, seenAt)
    for (const oldest of known.keys()) if (known.size > maxSubjects) known.delete(oldest)
  }

  const countedFor = (username: string, source: string): Counted[] => {
    const pair = pairOf(username, source)
    const user = `u ${username}`
    const own = { scope: 'user and address' as const, subject: pair, bucket: pairs.get(pair) }
    const counted: Counted[] = [{ ...own, limit: policy.attempts }]
    if ((known.get(pair) ?? Number.NEGATIVE_INFINITY) + knownForMs > time.now()) return counted
    const ofUser = (isUser(username) ? users : strangers).get(user)
    const ofAddress = addresses.get(`a ${source}`)
    return [
      ...counted,
      { scope: 'user', subject: user, bucket: ofUser, limit: policy.attempts * strangersPerUser },
      {
        scope: 'address',
        subject: `a ${source}`,
        bucket: ofAddress,
        limit: policy.attempts * namesPerAddress,
      },
    ]
  }

  const refuseBlocked = (counted: readonly Counted[]): void => {
    const now = time.now()
    const locked = Math.max(...counted.map(({ bucket }) => bucket.lockedUntil))
    if (locked > now) throw new TooManyAttempts(locked - now)
    for (const { bucket, limit } of counted) {
      bucket.failures = bucket.failures.filter((at) => at > now - policy.windowMs)
      if (bucket.failures.length + bucket.underWay >= limit) throw new TooManyAttempts(soonMs)
    }
  }

  /** A block that is over for as long as it lasted, and a window more, is forgotten. */
  const nextBlockMs = ({ lockedUntil, blocks }: Bucket): number => {
    const lastMs = blocks === 0 ? 0 : blockMsAfter(blocks - 1)
    const isForgotten = time.now() > lockedUntil + lastMs + policy.windowMs
    return blockMsAfter(isForgotten ? 0 : blocks)
  }
  const blockMsAfter = (blocks: number): number =>
    Math.min(policy.blockMs * 2 ** blocks, Math.max(policy.blockMs, policy.longestBlockMs ?? 0))

  /** For a name that is no user's nothing is kept but that it happened: it may be a password. */
  const lockOut = (locked: readonly Counted[], user: string | undefined, sender: Sender): Promise<void> =>
    store.change(async (disk) => {
      const now = time.now()
      for (const { subject, scope, bucket } of locked) {
        const forMs = nextBlockMs(bucket)
        const endsAt = now + forMs
        const entry = audit.lockedOut({ ...sender, user, scope, forMs })
        if (user === undefined && scope !== 'address') await disk.call('noteEvents', [entry])
        else await disk.call('lockOut', [entry], { subject, endsAt }, now)
      }
    })

  const fail = async (
    counted: readonly Counted[],
    user: string | undefined,
    sender: Sender,
  ): Promise<void> => {
    const now = time.now()
    for (const { bucket } of counted) bucket.failures.push(now)
    const locked = counted.filter(({ bucket, limit }) => bucket.failures.length >= limit)
    if (locked.length === 0) return
    try {
      await lockOut(locked, user, sender)
    } finally {
      // A full disk opens no door.
      for (const { bucket } of locked) {
        const forMs = nextBlockMs(bucket)
        bucket.blocks = forMs > policy.blockMs ? bucket.blocks + 1 : 1
        bucket.lockedUntil = time.now() + forMs
        bucket.failures = []
      }
    }
  }

  return {
    admit(typed, sender) {
      const username = typed.slice(0, longestName)
      const source = sourceOf(sender.address)
      const counted = countedFor(username, source)
      refuseBlocked(counted)
      for (const { bucket } of counted) bucket.underWay++
      const release = (): void => {
        for (const { bucket } of counted) bucket.underWay--
      }
      return {
        succeeded() {
          release()
          for (const { bucket, scope } of counted) {
            if (scope !== 'user and address') continue
            bucket.failures = []
            bucket.blocks = 0
          }
          const seenAt = time.now()
          remember(pairOf(username, source), seenAt)
          return { user: username, address: source, seenAt }
        },
        async failed(user) {
          release()
          await fail(counted, user, sender)
        },
        withdrawn: release,
      }
    },
    unlock: (user) =>
      store.change(async (disk) => {
        const isOfUser = (subject: string) => subject === `u ${user}` || subject.startsWith(pairOf(user, ''))
        await disk.call('unlock', [audit.unlocked(user)], `u ${user}`, pairOf(user, ''))
        users.remove(isOfUser)
        pairs.remove(isOfUser)
      }),
  }
}

/** A user name has no blanks. */
const pairOf = (user: string, address: string): string => `p ${user} ${address}`
