import { EdgeError } from '../../core/errors.ts'
import type { Audit, Sender, SignInMethod } from '../audit/audit.ts'
import type { User } from '../store/index.ts'
import type { Passwords } from '../users/passwords.ts'
import type { Throttle } from '../users/throttle.ts'
import type { Users } from '../users/users.ts'
import type { Opened, Sessions } from './sessions.ts'

export interface Attempt {
  username: string
  password: string
  method: SignInMethod
  sender: Sender
}

/**
 * Undefined when it is not to be; why stays in the audit, and every cause takes the same time.
 * Throws as `Throttle.admit` and `Passwords.verify` do, and `PasswordExpired`.
 */
export type SignIn = (attempt: Attempt) => Promise<Opened | undefined>

/** The password was right, and opens nothing but the choice of a new one. */
export class PasswordExpired extends EdgeError {
  override readonly name = 'PasswordExpired'
  readonly code = 'password_expired'
  override readonly statusCode = 403
  override readonly cure = 'Choose a new one on the login page.'
  /** Not for a log that prints the error. */
  readonly #user: User

  constructor(user: User) {
    super('the password has expired')
    this.#user = user
  }

  get user(): User {
    return this.#user
  }
}

export interface SignInDeps {
  users: Users
  passwords: Passwords
  throttle: Throttle
  sessions: Sessions
  audit: Audit
}

export function createSignIn({ users, passwords, throttle, sessions, audit }: SignInDeps): SignIn {
  return async ({ username, password, method, sender }) => {
    const admission = throttle.admit(username, sender)
    const user = users.find(username)
    const matches = await passwords.verify(user?.passwordHash, password).catch((error) => {
      admission.withdrawn()
      throw error
    })
    const note = (reason: Parameters<Audit['signInFailed']>[0]['reason']): void =>
      audit.signInFailed({ ...sender, user: user?.name, method, reason })

    if (!user || !matches || !user.enabled) {
      note(!user ? 'unknown_user' : !matches ? 'wrong_password' : 'user_disabled')
      await admission.failed(user?.name)
      return undefined
    }
    const from = admission.succeeded()
    if (users.passwordExpired(user)) {
      note('password_expired')
      throw new PasswordExpired(user)
    }
    const allowed = (): boolean => users.find(user.name) === user
    const opened = await sessions.open({ user, method, sender, from, allowed })
    if (!opened) note('user_changed_meanwhile')
    return opened
  }
}
