import { afterSso, enforced, strategy, twoFactor } from '../options/login-options.ts'
import type { Options } from '../options/options.ts'
import type { User } from '../store/index.ts'

/** What the options say of second factors at this moment. */
export interface TwoFactorPolicy {
  readonly strategy: 'off' | 'totp'
  readonly isEnforced: boolean
  /** Also of who has signed in elsewhere, where a second factor is otherwise the provider's matter. */
  readonly asksAfterSso: boolean
  /** Whether this user may not sign in without one. */
  requires(user: User): boolean
}

export const createTwoFactorPolicy = (options: Pick<Options, 'get' | 'flag'>): TwoFactorPolicy => ({
  get strategy() {
    return options.get(twoFactor, strategy) === 'totp' ? 'totp' : 'off'
  },
  get isEnforced() {
    return options.flag(twoFactor, enforced, false)
  },
  get asksAfterSso() {
    return options.get(twoFactor, afterSso) === 'required'
  },
  requires({ totpRequired }) {
    return this.strategy === 'totp' && (this.isEnforced || totpRequired)
  },
})
