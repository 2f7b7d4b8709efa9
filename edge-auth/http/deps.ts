import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Apps } from '../apps/apps.ts'
import type { Denials } from '../guard/denials.ts'
import type { Guard } from '../guard/guard.ts'
import type { Measurements } from '../measurements.ts'
import type { Identify } from '../sessions/identify.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sessions/sign-in.ts'
import type { SigningKeys } from '../tokens/keys.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { FirstAdmin } from '../users/first-admin.ts'
import type { NewPasswords } from '../users/new-passwords.ts'
import type { PasswordRules } from '../users/passwords.ts'
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
  keys: SigningKeys
  oauth: Oauth
  firstAdmin: FirstAdmin
  newPasswords: NewPasswords
  passwordRules: PasswordRules
  measurements: Measurements
  /** `client_id` of introspection replies. */
  boxId: string
}
