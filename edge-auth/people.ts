import { availableParallelism } from 'node:os'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Audit } from './audit/audit.ts'
import type { Denials } from './guard/denials.ts'
import type { DeniedRequests } from './guard/denied-requests.ts'
import { createAuthority } from './permissions/index.ts'
import { createIdentify } from './sessions/identify.ts'
import type { SessionPolicy } from './sessions/session-policy.ts'
import type { SessionTime } from './sessions/session-time.ts'
import { createSessions } from './sessions/sessions.ts'
import type { Store, User } from './store/index.ts'
import type { Tokens } from './tokens/tokens.ts'
import { createAppGroups } from './users/app-groups.ts'
import { createFirstAdmin } from './users/first-admin.ts'
import { createNewPasswords } from './users/new-passwords.ts'
import { userOperations } from './users/operations.ts'
import { createOversight } from './users/oversight.ts'
import { ownOperations } from './users/own-operations.ts'
import { createPasswords, type PasswordRules } from './users/passwords.ts'
import { createRecords } from './users/records.ts'
import { createResetCodes } from './users/reset-codes.ts'
import { roleOperations } from './users/role-operations.ts'
import { createRoles } from './users/roles.ts'
import { type Alarms, createServiceAccess } from './users/service-access.ts'
import { serviceOperations } from './users/service-operations.ts'
import { createThrottle, type ThrottlePolicy } from './users/throttle.ts'
import { createUsers, type Users } from './users/users.ts'

export interface PeopleDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
  log: Logger
  time: SessionTime
  tokens: Tokens
  denials: Denials
  deniedRequests: DeniedRequests
  alarms: Alarms
  /** Client ids of the apps whose gates ask for the role. */
  gatesOf(role: string): readonly string[]
  /** Whether `Ann` and `ann` are one when signing in. */
  ignoreCase(): boolean
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
const waitingHashes = 64

/** Users, and how they come to a session. */
export async function createPeople(deps: PeopleDeps, config: PeopleConfig) {
  const { store, clock, random, audit, log, time, tokens, denials, deniedRequests, ignoreCase } = deps
  const sessionDeps = { store, clock, random, audit, log, time, mint: tokens.mint }
  const sessions = await createSessions(sessionDeps, config.sessions)
  const records = createRecords({ store, sessions, clock, random, audit })
  const users = createUsers(
    { store, records, sessions, clock, random, audit, time },
    { passwordValidityMs: config.passwords.validityMs, ignoreCase },
  )
  const roles = createRoles({ store, records, audit, gatesOf: deps.gatesOf })
  const groups = createAppGroups({ store, records, audit })
  for (const forget of [roles.disown, groups.disown, deniedRequests.forget]) users.onRemoved(forget)
  const authority = createAuthority({
    active: (name) => activeUser(users, name),
    permissionsOf: roles.permissionsOf,
    denied: denials.notPermitted,
  })
  const parallel = Math.max(1, availableParallelism() - 1) // one core stays for everything else
  const passwords = createPasswords({ random }, { ...config.passwords, parallel, waiting: waitingHashes })
  const isUser = (name: string): boolean => users.find(name) !== undefined
  const throttle = createThrottle({ store, audit, time, isUser }, config.throttle)
  const resetCodes = createResetCodes({ store, users, random, audit, time })
  const { alarms } = deps
  const serviceDeps = { users, passwords, clock, random, time, audit, alarms, log }
  const serviceAccess = createServiceAccess(serviceDeps)
  const oversight = createOversight({ authority, roles })
  const { onClock } = time
  const { permissionsOf } = roles
  const guides = { users, roles, groups, oversight, authority, onClock }
  return {
    ...{ sessions, users, roles, groups, authority, passwords, throttle, serviceAccess, oversight },
    ...{ records, resetCodes },
    operations: {
      ...userOperations({ ...guides, passwords, resetCodes, throttle }),
      ...roleOperations(guides),
      ...serviceOperations({ ...guides, serviceAccess }),
      ...ownOperations({
        ...{ users, sessions, passwords, throttle, audit, authority, permissionsOf },
        denied: deniedRequests,
      }),
    },
    newPasswords: createNewPasswords({ users, sessions, passwords, random, time }),
    firstAdmin: createFirstAdmin({ users, passwords, random, audit, log }, config),
    identify: createIdentify({ tokens, sessions, users, audit }, config.sessions),
  }
}

export type People = Awaited<ReturnType<typeof createPeople>>

function activeUser(users: Users, name: string): User | undefined {
  const user = users.find(name)
  return user && users.active(user) ? user : undefined
}
