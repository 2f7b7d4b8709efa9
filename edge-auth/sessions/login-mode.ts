import { Conflict } from '../../core/errors.ts'
import { listed } from '../options/known.ts'
import {
  basic,
  basicBrowsers,
  forbiddenAgents,
  type LoginMode,
  loginModes,
  mode,
  trustedAgents,
} from '../options/login-options.ts'
import type { Options } from '../options/options.ts'
import { login } from '../users/login-names.ts'

/** How one signs in, as the options say at this moment. */
export interface LoginModes {
  readonly mode: LoginMode
  /** Whether name and password may come with each request. */
  readonly takesBasic: boolean
  /** Whether they may come from this program. */
  takesBasicFrom(agent: { userAgent: string | undefined; isBrowser: boolean }): boolean
}

export interface LoginModesDeps {
  options: Pick<Options, 'get' | 'flag' | 'beforeChange'>
  /** Whether there is somewhere else to sign in. */
  hasProvider(): boolean
}

export function createLoginModes({ options, hasProvider }: LoginModesDeps): LoginModes {
  options.beforeChange((category, key, value) => {
    if (category === login && key === mode && value === 'SSO' && !hasProvider())
      throw new Conflict('there is no identity provider on the login page', 'no_provider')
  })
  return {
    get mode() {
      const asked = loginModes.find((one) => one === options.get(login, mode)) ?? 'OAI-Secure'
      // A provider that was taken away leaves nobody outside.
      return asked === 'SSO' && !hasProvider() ? 'OAI-Secure' : asked
    },
    get takesBasic() {
      return this.mode === 'Basic' || options.flag(login, basic, false)
    },
    takesBasicFrom({ userAgent = '', isBrowser }) {
      const isListed = (key: string): boolean =>
        listed(options.get(login, key) ?? '').some((part) =>
          userAgent.toLowerCase().includes(part.toLowerCase()),
        )
      if (isListed(forbiddenAgents)) return false
      return !isBrowser || isListed(trustedAgents) || options.get(login, basicBrowsers) !== 'forbidden'
    },
  }
}
