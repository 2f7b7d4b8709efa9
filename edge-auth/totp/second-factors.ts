import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Conflict, NotFound } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, Sender } from '../audit/audit.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SecondFactor, Store, User } from '../store/index.ts'
import type { Records } from '../users/records.ts'
import type { Users } from '../users/users.ts'
import { base32, codeOf, inFours, secretBytes, stepAt } from './code.ts'
import type { TwoFactorPolicy } from './two-factor-policy.ts'

/** What is missing for a user whose password was right: a code, or that he sets up where codes come from. */
export type Due = 'code' | 'enrolment'

/**
 * The second factors of the users, in memory as on disk. A code opens once: that it was taken is on disk
 * before anybody learns that it was right.
 */
export interface SecondFactors {
  /** Undefined where the password is enough. `setsUp`: who has none yet wants one. */
  due(user: User, setsUp?: boolean): Due | undefined
  /** The same for who has signed in elsewhere. */
  dueAfterSso(user: User): Due | undefined
  has(user: string): boolean
  list(): ShownFactor[]
  /** A code of the app, or a recovery code; true once for each. */
  check(user: User, typed: string, sender: Sender): Promise<boolean>
  /** For who is about to set one up; shown to nobody else, and to nobody afterwards. */
  newSecret(): Uint8Array
  /**
   * Keeps the secret when the code shows that the app has it, and gives the recovery codes; undefined when
   * it does not. Throws `Conflict` when the user has a second factor already, or was changed meanwhile.
   */
  setUp(user: User, secret: Uint8Array, typed: string, sender: Sender): Promise<readonly string[] | undefined>
  /** Ends the user's sessions. Throws `NotFound`; `allowed` throws to refuse. */
  revoke(name: string, allowed: (user: User) => void): Promise<void>
  /** All of them, with the strategy. */
  clear(strategy: string): Promise<void>
}

export interface ShownFactor {
  user: string
  createdAt: number
  recoveryCodesLeft: number
}

export interface SecondFactorsDeps {
  store: Store
  users: Pick<Users, 'find' | 'get' | 'onRemoved'>
  records: Pick<Records, 'prepare' | 'settle'>
  sessions: Pick<Sessions, 'list'>
  policy: TwoFactorPolicy
  clock: Clock
  random: Random
  audit: Pick<Audit, 'secondFactorChanged' | 'secondFactorsCleared'>
  /** The proven time, while there is one: codes are of the time that the phone has. */
  correctedNow?: (() => number | undefined) | undefined
}

/** A clock may be off by so many steps. */
const skewSteps = 1
const recoveryCodes = 10

export function createSecondFactors(deps: SecondFactorsDeps): SecondFactors {
  const { store, users, records, policy, clock, random, audit, correctedNow } = deps
  const factors = new Map(store.contents.secondFactors.map((factor) => [factor.user, factor]))
  users.onRemoved((name) => void factors.delete(name)) // on disk it went with the user

  const stepNow = (): number => stepAt(correctedNow?.() ?? clock.now())

  /** The step that the code is of, of those that could be meant now. */
  const stepOf = (secret: Uint8Array, typed: string): number | undefined => {
    const now = stepNow()
    const steps = Array.from({ length: 2 * skewSteps + 1 }, (_, at) => now - skewSteps + at)
    // All are computed, whichever it is.
    return steps.filter((step) => sameText(codeOf(secret, step), typed)).at(-1)
  }

  const takeCode = (user: User, typed: string): Promise<boolean> =>
    store.change(async (disk) => {
      const factor = factors.get(user.name)
      const step = factor && users.find(user.name) === user ? stepOf(factor.secret, typed) : undefined
      if (!factor || step === undefined || step <= factor.lastStep) return false
      await disk.call('useSecondFactor', [], user.name, step)
      factors.set(user.name, { ...factor, lastStep: step })
      return true
    })

  const takeRecoveryCode = (user: User, typed: string, sender: Sender): Promise<boolean> =>
    store.change(async (disk) => {
      const factor = factors.get(user.name)
      const hash = hashOf(typed)
      const found = factor?.recovery.find((one) => timingSafeEqual(one, hash))
      if (!factor || !found || users.find(user.name) !== user) return false
      const entry = audit.secondFactorChanged(user.name, 'recovery_code_used', sender)
      await disk.call('useRecoveryCode', [entry], user.name, found)
      factors.set(user.name, { ...factor, recovery: factor.recovery.filter((one) => one !== found) })
      return true
    })

  const due: SecondFactors['due'] = (user, setsUp = false) => {
    if (policy.strategy === 'off') return undefined
    if (factors.has(user.name)) return 'code'
    return setsUp || policy.requires(user) ? 'enrolment' : undefined
  }

  return {
    due,
    dueAfterSso: (user) => (policy.asksAfterSso ? due(user) : undefined),
    has: (user) => factors.has(user),
    list: () =>
      [...factors.values()].map(({ user, createdAt, recovery }) => ({
        ...{ user, createdAt, recoveryCodesLeft: recovery.length },
      })),
    check(user, typed, sender) {
      const code = typed.replaceAll(/\s/g, '')
      return /^\d{6}$/.test(code) ? takeCode(user, code) : takeRecoveryCode(user, code, sender)
    },
    newSecret: () => random.bytes(secretBytes),
    setUp: (user, secret, typed, sender) =>
      store.change(async (disk) => {
        if (users.find(user.name) !== user) throw new Conflict(`${user.name} was changed meanwhile`)
        if (factors.has(user.name)) throw new Conflict(`${user.name} has a second factor already`)
        const step = stepOf(secret, typed.replaceAll(/\s/g, ''))
        if (step === undefined) return undefined
        const codes = Array.from({ length: recoveryCodes }, () => recoveryCode(random))
        const { name } = user
        const factor: SecondFactor = {
          ...{ user: name, secret, lastStep: step, createdAt: clock.now(), recovery: codes.map(hashOf) },
        }
        await disk.call('addSecondFactor', [audit.secondFactorChanged(name, 'set_up', sender)], factor)
        factors.set(name, factor)
        return codes
      }),
    revoke: (name, allowed) =>
      store.change(async (disk) => {
        const user = users.get(name)
        allowed(user)
        if (!factors.has(name)) throw new NotFound(`${name} has no second factor`)
        const prepared = records.prepare(user, {}, 'two_factor_changed')
        if (!prepared) throw new Error('a change with a reason is one')
        const entries = [audit.secondFactorChanged(name, 'revoked'), ...prepared.entries]
        await disk.call('removeSecondFactor', entries, prepared.after)
        factors.delete(name)
        records.settle([prepared])
      }),
    clear: (strategy) =>
      store.change(async (disk) => {
        const entries = [audit.secondFactorsCleared(strategy, factors.size)]
        await disk.call('removeSecondFactors', entries, { key: 'totp_strategy', value: strategy })
        factors.clear()
      }),
  }
}

/** 80 bits, as easy to type as a secret. */
const recoveryCode = (random: Random): string => inFours(base32(random.bytes(10)).toLowerCase(), '-')

/** As typed: case, blanks and dashes do not count. */
const hashOf = (typed: string): Uint8Array =>
  createHash('sha256').update(typed.replaceAll(/[\s-]/g, '').toLowerCase()).digest()

const sameText = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
