import { EdgeError } from '../../core/errors.ts'
import type { Audit, Sender, SignInMethod } from '../audit/audit.ts'
import type { KnownAddress, User } from '../store/index.ts'
import type { BreakGlassCodes } from '../totp/break-glass.ts'
import type { Due, SecondFactors } from '../totp/second-factors.ts'
import type { Passwords } from '../users/passwords.ts'
import type { ResetCodes } from '../users/reset-codes.ts'
import type { Admission, Throttle } from '../users/throttle.ts'
import type { Users } from '../users/users.ts'
import type { Opened, Sessions } from './sessions.ts'

export interface Attempt {
  username: string
  password: string
  method: SignInMethod
  sender: Sender
  /** A code of the second factor, from who can send both at once. */
  totp?: string | undefined
  /** Who has no second factor wants to set one up. */
  setsUp?: boolean
}

/** What was proven so far. */
export interface Proven {
  user: User
  /** Before anything opens, a new password is to be chosen. */
  renewsPassword: boolean
  /** Where it was no password, but a word from elsewhere: opens the session that is about. */
  elsewhere?: (from: KnownAddress | undefined) => Promise<Opened | undefined>
}

/**
 * Undefined when it is not to be; why stays in the audit, and every cause takes the same time.
 * Throws as `Throttle.admit` and `Passwords.verify` do, `SecondFactorDue` and `PasswordExpired`.
 */
export interface SignIn {
  (attempt: Attempt): Promise<Opened | undefined>
  /** The second step of a page. Guesses count as those of a password do. */
  byCode(proven: Proven, code: string, sender: Sender): Promise<Opened | undefined>
  /** Who has proven all that is asked of him. */
  open(proven: Proven, sender: Sender): Promise<Opened | undefined>
  /** For when nothing else is accepted. */
  byBreakGlass(attempt: Attempt): Promise<Opened | undefined>
}

/** The password was right, and opens nothing but what comes next. */
abstract class Unfinished extends EdgeError {
  override readonly retryable = false
  /** Not for a log that prints the error. */
  readonly #proven: Proven

  constructor(message: string, proven: Proven) {
    super(message)
    this.#proven = proven
  }

  get proven(): Proven {
    return this.#proven
  }
}

export class PasswordExpired extends Unfinished {
  override readonly name = 'PasswordExpired'
  readonly code = 'password_expired'
  override readonly statusCode = 403
  override readonly cure = 'Choose a new one on the login page.'

  constructor(user: User) {
    super('the password has expired', { user, renewsPassword: true })
  }
}

export class SecondFactorDue extends Unfinished {
  override readonly name = 'SecondFactorDue'
  readonly code: 'totp_required' | 'totp_enrolment_required'
  override readonly statusCode: 401 | 403
  override readonly cure: string
  readonly due: Due

  constructor(due: Due, proven: Proven) {
    const isCode = due === 'code'
    super(isCode ? 'a code of the second factor is missing' : 'a second factor must be set up', proven)
    this.due = due
    this.code = isCode ? 'totp_required' : 'totp_enrolment_required'
    this.statusCode = isCode ? 401 : 403
    this.cure = isCode ? 'Send it as the member totp.' : 'Set it up on the login page.'
  }
}

export interface SignInDeps {
  users: Users
  passwords: Passwords
  resetCodes: Pick<ResetCodes, 'redeem'>
  secondFactors: SecondFactors
  breakGlass: Pick<BreakGlassCodes, 'redeem' | 'opened'>
  throttle: Throttle
  sessions: Sessions
  audit: Audit
}

type Reason = Parameters<Audit['signInFailed']>[0]['reason']

export function createSignIn(deps: SignInDeps): SignIn {
  const { users, passwords, resetCodes, secondFactors, breakGlass, throttle, sessions, audit } = deps

  const note = (reason: Reason, user: User | undefined, method: SignInMethod, sender: Sender): void =>
    audit.signInFailed({ ...sender, user: user?.name, method, reason })

  const openSession = async (user: User, method: SignInMethod, sender: Sender, from?: KnownAddress) => {
    const allowed = (): boolean => users.find(user.name) === user && users.active(user)
    const opened = await sessions.open({ user, method, sender, from, allowed })
    if (!opened) note('user_changed_meanwhile', user, method, sender)
    return opened
  }

  /** All is proven: the attempts that failed are forgotten, and a password that is over is replaced. */
  const finish = (proven: Proven, admission: Admission, method: SignInMethod, sender: Sender) => {
    const from = admission.succeeded()
    if (proven.renewsPassword) {
      note('password_expired', proven.user, method, sender)
      throw new PasswordExpired(proven.user)
    }
    if (proven.elsewhere) return proven.elsewhere(from)
    return openSession(proven.user, method, sender, from)
  }

  const refuse = async (admission: Admission, reason: Reason, user: User | undefined, by: Attempt) => {
    note(reason, user, by.method, by.sender)
    await admission.failed(user?.name)
    return undefined
  }

  const throughGlass = async (user: User | undefined, { password, method, sender }: Attempt) => {
    const isPerson = method === 'page' || method === 'admin'
    if (!isPerson || !(await breakGlass.redeem(user, password, sender)) || !user) return undefined
    const opened = await openSession(user, 'break_glass', sender)
    if (opened) await breakGlass.opened(user.name, opened.session.id)
    return opened
  }

  const byPassword = async (attempt: Attempt): Promise<Opened | undefined> => {
    const { username, password, method, sender, totp, setsUp = false } = attempt
    const user = users.findByLogin(username)
    // Nobody guesses such a code, so nobody's guesses stand in its way.
    const byGlass = await throughGlass(user, attempt)
    if (byGlass) return byGlass
    // All that a user can be called counts as one.
    const admission = throttle.admit(user?.name ?? username, sender)
    const matches = await passwords.verify(user?.passwordHash, password).catch((error) => {
      admission.withdrawn()
      throw error
    })
    const byResetCode =
      method === 'page' && (await resetCodes.redeem(user, password).catch(withdrawing(admission)))
    if (!user) return refuse(admission, 'unknown_user', user, attempt)
    if (!matches && !byResetCode) return refuse(admission, 'wrong_password', user, attempt)
    if (!users.active(user)) return refuse(admission, 'user_disabled', user, attempt)

    const proven = { user, renewsPassword: byResetCode || users.passwordExpired(user) }
    const due = secondFactors.due(user, setsUp)
    if (due === undefined) return finish(proven, admission, method, sender)
    if (due === 'code' && totp !== undefined) {
      const isRight = await secondFactors.check(user, totp, sender).catch(withdrawing(admission))
      return isRight
        ? finish(proven, admission, method, sender)
        : refuse(admission, 'wrong_code', user, attempt)
    }
    // Neither a failure nor a success: a right password does not make room for more guesses of a code.
    admission.withdrawn()
    throw new SecondFactorDue(due, proven)
  }

  return Object.assign(byPassword, {
    async byCode(proven: Proven, code: string, sender: Sender) {
      const { user } = proven
      const admission = throttle.admit(user.name, sender)
      const isRight = await secondFactors.check(user, code, sender).catch(withdrawing(admission))
      if (isRight) return finish(proven, admission, 'page', sender)
      const attempt: Attempt = { username: user.name, password: '', method: 'page', sender }
      return refuse(admission, 'wrong_code', user, attempt)
    },
    async open(proven: Proven, sender: Sender) {
      if (proven.renewsPassword) throw new PasswordExpired(proven.user)
      return proven.elsewhere ? proven.elsewhere(undefined) : openSession(proven.user, 'page', sender)
    },
    async byBreakGlass(attempt: Attempt) {
      const user = users.findByLogin(attempt.username)
      const opened = await throughGlass(user, attempt)
      if (opened) return opened
      const admission = throttle.admit(user?.name ?? attempt.username, attempt.sender)
      return refuse(admission, 'wrong_code', user, attempt)
    },
  })
}

const withdrawing = (admission: Admission) => (error: unknown) => {
  admission.withdrawn()
  throw error
}
