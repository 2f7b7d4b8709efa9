import { ignoreCase, login } from '../users/login-names.ts'
import type { KnownOption } from './known-option.ts'
import { loginOptions } from './login-options.ts'

/** Shortest life of a token that can be asked for. */
const minLifespanSeconds = 300
/** Far more than anybody wants, and no number that a browser or a date cannot hold. */
const maxLifespanSeconds = 10 * 365 * 86_400

const wholeNumber = /^-?\d{1,12}$/

const lifespan = (value: string): string | undefined => {
  const seconds = wholeNumber.test(value) ? Number(value) : Number.NaN
  if (seconds >= minLifespanSeconds && seconds <= maxLifespanSeconds) return undefined
  return `must be a whole number of seconds from ${minLifespanSeconds} to ${maxLifespanSeconds}`
}

/** `https://host[:port]`, or `*.domain` for each host below it, or `*` for all. */
const origin = (text: string): boolean => {
  if (text === '*' || /^\*\.([a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}$/.test(text)) return true
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

export const lifespans = 'oauth.internal'
export const tokenLifespan = 'basic-token.lifespan.seconds'
export const cookieLifespan = 'basic-user.cookie.lifespan.seconds'
export const bodyTokenLifespan = 'body-token.lifespan.seconds'
export const accessControl = 'access.control'
export const allowOrigin = 'allow.origin'
export const application = 'application'
export const defaultApp = 'default.app'
export const singleSignOn = 'single-sign-on'
export const auditClaims = 'audit.claims'

/** Each domain adds its own. */
export const knownOptions: readonly KnownOption[] = [
  ...loginOptions,
  {
    category: singleSignOn,
    key: auditClaims,
    description:
      'Whether the audit keeps what identity providers say of people, which is personal data: on or off.',
    fault: (value) => (/^(?:on|off|true|false)$/.test(value) ? undefined : 'must be on or off'),
  },
  {
    category: login,
    key: ignoreCase,
    description: 'Whether case counts in the names that people sign in with: true or false.',
    fault: (value) => (value === 'true' || value === 'false' ? undefined : 'must be true or false'),
  },
  {
    category: lifespans,
    key: tokenLifespan,
    description: 'Life of an access token, in seconds; in place of auth.token_lifespan.',
    fault: lifespan,
  },
  {
    category: lifespans,
    key: bodyTokenLifespan,
    description: 'The same, of the token that a script gets in the body of an answer.',
    fault: lifespan,
  },
  {
    category: lifespans,
    key: cookieLifespan,
    description: 'How long a browser keeps its cookie, in seconds; negative: until it is closed.',
    fault: (value) => (/^-\d{1,12}$/.test(value) && Number(value) < 0 ? undefined : lifespan(value)),
  },
  {
    category: accessControl,
    key: allowOrigin,
    description: 'Origins whose pages may call the APIs for apps and scripts, separated by commas.',
    fault: (value) => {
      const wrong = listed(value).filter((text) => !origin(text))
      return wrong.length > 0 ? `has no origin, *.domain or * in ${wrong.join(', ')}` : undefined
    },
  },
  {
    category: application,
    key: defaultApp,
    description: 'The app that a person comes to after signing in, unless another was asked for.',
    fault: (value) => (/^[A-Za-z0-9._-]{1,64}$/.test(value) ? undefined : 'must be the client id of an app'),
  },
]

/** The entries of a comma list. */
export const listed = (value: string): string[] =>
  value
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
