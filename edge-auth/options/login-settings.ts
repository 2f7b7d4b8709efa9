import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { Invalid } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Authority } from '../permissions/index.ts'
import { login } from '../users/login-names.ts'
import {
  afterSso,
  basic,
  basicBrowsers,
  enforced,
  forbiddenAgents,
  mode,
  strategy,
  trustedAgents,
  twoFactor,
} from './login-options.ts'
import { OptionValue } from './operations.ts'
import type { Options } from './options.ts'

/** The options of signing in, under one name each; and what counts where one is not set. */
const settings = {
  mode: [login, mode, 'OAI-Secure'],
  basic: [login, basic, 'off'],
  basicBrowsers: [login, basicBrowsers, 'allowed'],
  trustedUserAgents: [login, trustedAgents, ''],
  forbiddenUserAgents: [login, forbiddenAgents, ''],
  twoFactorStrategy: [twoFactor, strategy, 'off'],
  twoFactorEnforced: [twoFactor, enforced, 'false'],
  twoFactorAfterSso: [twoFactor, afterSso, 'provider'],
} as const
type Name = keyof typeof settings
const names = Object.keys(settings) as Name[]

export const LoginSettings = Type.Object(
  Object.fromEntries(names.map((name) => [name, Type.String()])) as Record<Name, Type.TString>,
)
const Change = Type.Object(Object.fromEntries(names.map((name) => [name, Type.Optional(OptionValue)])), {
  additionalProperties: false,
})
export const LoginSettingsChange = Change
const parseChange = parser(Change)
const parseNothing = parser(Type.Object({}, { additionalProperties: false }))

export interface LoginSettingsDeps {
  options: Pick<Options, 'get'>
  authority: Pick<Authority, 'demand'>
  /** Those of the options: each setting is changed by them, as if it were named there. */
  operations: Operations
}

/** How one signs in, as one thing. */
export function loginSettingsOperations({ options, authority, operations }: LoginSettingsDeps): Operations {
  const shown = () =>
    Object.fromEntries(
      names.map((name) => {
        const [category, key, otherwise] = settings[name]
        return [name, options.get(category, key) ?? otherwise]
      }),
    )
  return {
    'login.settings': async (params, caller) => {
      parseNothing(params ?? {}, 'login.settings')
      authority.demand(caller, { category: 'Options', act: 'read' })
      return shown()
    },
    /** One after the other: what stands before one that is refused has been set. */
    'login.set': async (params, caller) => {
      const asked = Object.entries(parseChange(params, 'login.set')) as [Name, string][]
      if (asked.length === 0) throw new Invalid('nothing was said that is to be different')
      // The mode last: who changes it is signed out.
      asked.sort(([one], [other]) => Number(one === 'mode') - Number(other === 'mode'))
      for (const [name, value] of asked) {
        const [category, key] = settings[name]
        await operations['option.set']?.({ category, key, value }, caller)
      }
    },
  }
}
