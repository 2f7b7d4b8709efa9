import { login } from '../users/login-names.ts'
import type { KnownOption } from './known-option.ts'

export const loginModes = ['OAI-Secure', 'Basic', 'SSO'] as const
export type LoginMode = (typeof loginModes)[number]

export const mode = 'mode'
export const basic = 'basic'
export const basicBrowsers = 'basic.browsers'
export const trustedAgents = 'basic.trusted.user.agents'
export const forbiddenAgents = 'basic.forbidden.user.agents'
export const twoFactor = 'two-factor'
export const strategy = 'strategy'
export const enforced = 'enforced'
export const afterSso = 'sso'

const oneOf =
  (...values: readonly string[]) =>
  (value: string): string | undefined =>
    values.includes(value) ? undefined : `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`

const agents = (value: string): string | undefined =>
  /^[\x20-\x7e]*$/.test(value) ? undefined : 'must be parts of user agents, separated by commas'

/** How people sign in. */
export const loginOptions: readonly KnownOption[] = [
  {
    category: login,
    key: mode,
    description: `What the login page offers: ${loginModes[0]} (the form), Basic (the form; programs may send name and password with each request) or SSO (single sign-on alone).`,
    fault: oneOf(...loginModes),
  },
  {
    category: login,
    key: basic,
    description:
      'Whether programs may send name and password with each request, whatever the mode: on or off.',
    fault: oneOf('on', 'off', 'true', 'false'),
  },
  {
    category: login,
    key: basicBrowsers,
    description: 'Whether browsers may do the same: allowed or forbidden.',
    fault: oneOf('allowed', 'forbidden'),
  },
  {
    category: login,
    key: trustedAgents,
    description:
      'Programs that may use Basic although they look like browsers: parts of their User-Agent, separated by commas.',
    fault: agents,
  },
  {
    category: login,
    key: forbiddenAgents,
    description: 'Programs that may never use Basic: parts of their User-Agent, separated by commas.',
    fault: agents,
  },
  {
    category: twoFactor,
    key: strategy,
    description:
      'The second factor: totp, or off for none. A change removes those that were set up, and ends all sessions.',
    fault: oneOf('off', 'totp'),
  },
  {
    category: twoFactor,
    key: enforced,
    description:
      'Whether everybody needs one who signs in with a password here: true or false. To true ends all sessions.',
    fault: oneOf('true', 'false', 'on', 'off'),
  },
  {
    category: twoFactor,
    key: afterSso,
    description:
      'Whether who comes by single sign-on needs one too: provider (the matter of the provider) or required.',
    fault: oneOf('provider', 'required'),
  },
]
