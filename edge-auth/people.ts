import { availableParallelism } from 'node:os'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Audit } from './audit/audit.ts'
import { createIdentify } from './sessions/identify.ts'
import type { SessionPolicy } from './sessions/session-policy.ts'
import type { SessionTime } from './sessions/session-time.ts'
import { createSessions } from './sessions/sessions.ts'
import { createSignIn } from './sessions/sign-in.ts'
import type { Store } from './store/index.ts'
import type { Tokens } from './tokens/tokens.ts'
import { createFirstAdmin } from './users/first-admin.ts'
import { createNewPasswords } from './users/new-passwords.ts'
import { createPasswords, type PasswordRules } from './users/passwords.ts'
import { createThrottle, type ThrottlePolicy } from './users/throttle.ts'
import { createUsers } from './users/users.ts'

export interface PeopleDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
  log: Logger
  time: SessionTime
  tokens: Tokens
}

export interface PeopleConfig {
  /** The first administrator's code lies here. */
  runtimeDir: string
  sessions: SessionPolicy
  throttle: ThrottlePolicy
  passwords: PasswordRules & {
    /** How long a password is good; 0: for ever. */
    validityMs: number
  }
}

/** Further passwords than there are cores to check them wait; more are sent away. */
const waitingHashes = 32

/** Users, and how they come to a session. */
export async function createPeople(deps: PeopleDeps, config: PeopleConfig) {
  const { store, clock, random, audit, log, time, tokens } = deps
  const sessionDeps = { store, clock, random, audit, log, time, mint: tokens.mint }
  const sessions = await createSessions(sessionDeps, config.sessions)
  const validity = { passwordValidityMs: config.passwords.validityMs }
  const users = createUsers({ store, sessions, clock, random, audit }, validity)
  const parallel = Math.max(1, availableParallelism() - 1) // one core stays for everything else
  const passwords = createPasswords({ random }, { ...config.passwords, parallel, waiting: waitingHashes })
  const isUser = (name: string): boolean => users.find(name) !== undefined
  const throttle = createThrottle({ store, audit, time, isUser }, config.throttle)
  return {
    ...{ sessions, users, passwords, throttle },
    newPasswords: createNewPasswords({ users, passwords, random, time }),
    firstAdmin: createFirstAdmin({ users, passwords, random, audit, log }, config),
    identify: createIdentify({ tokens, sessions, users, audit }, config.sessions),
    signIn: createSignIn({ users, passwords, throttle, sessions, audit }),
  }
}
