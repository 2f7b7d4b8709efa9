import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import type { HttpTally } from '../../core/http-tally.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Apps } from '../apps/apps.ts'
import type { TechnicalTokens } from '../apps/technical-tokens.ts'
import type { Denials } from '../guard/denials.ts'
import type { Guard } from '../guard/guard.ts'
import type { HubLinks } from '../hub-links/hub-links.ts'
import type { HubTokens } from '../hub-links/hub-tokens.ts'
import type { PrivateTokens } from '../kv/index.ts'
import type { Measurements } from '../measurements.ts'
import type { Options } from '../options/options.ts'
import type { BasicLogin } from '../sessions/basic.ts'
import type { Identify } from '../sessions/identify.ts'
import type { LoginModes } from '../sessions/login-mode.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Proven, SignIn } from '../sessions/sign-in.ts'
import type { Sso } from '../sso/index.ts'
import type { SigningKeys } from '../tokens/keys.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { SecondFactors } from '../totp/second-factors.ts'
import type { TwoFactorPolicy } from '../totp/two-factor-policy.ts'
import type { FirstAdmin } from '../users/first-admin.ts'
import type { NewPasswords } from '../users/new-passwords.ts'
import type { PasswordRules } from '../users/passwords.ts'
import type { Tickets } from '../users/tickets.ts'
import type { Users } from '../users/users.ts'
import type { Oauth } from './oauth-endpoints.ts'

/** What the routes ask. */
export interface HttpDeps {
  log: Logger
  clock: Clock
  random: Random
  apps: Apps
  signIn: SignIn
  identify: Identify
  guard: Guard
  denials: Denials
  sessions: Sessions
  users: Users
  tokens: Tokens
  technical: TechnicalTokens
  keys: SigningKeys
  oauth: Oauth
  firstAdmin: FirstAdmin
  sso: Sso
  newPasswords: NewPasswords
  /** Between the password and the session; with a secret: of who sets up a second factor. */
  signInSteps: Tickets<Proven & { secret?: Uint8Array }>
  secondFactors: SecondFactors
  twoFactor: TwoFactorPolicy
  loginModes: LoginModes
  basicLogin: BasicLogin
  passwordRules: PasswordRules
  measurements: Measurements
  hubLinks: HubLinks
  hubTokens: HubTokens
  /** The user tenant that this box is to its apps. */
  localTenant: string
  options: Options
  /** Where a person comes to after signing in, unless another page was asked for. */
  home(): string
  kv: PrivateTokens
  /** Counts what is answered. */
  requests: HttpTally
  /** Connections on which a request may take longer to arrive. */
  patientWith: WeakSet<Socket>
  /** `client_id` of introspection replies. */
  boxId: string
}
