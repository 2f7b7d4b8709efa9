import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Audit } from './audit/audit.ts'
import type { Options } from './options/options.ts'
import type { People } from './people.ts'
import { type BasicLogin, createBasicLogin } from './sessions/basic.ts'
import { createLoginModes, type LoginModes } from './sessions/login-mode.ts'
import type { SessionTime } from './sessions/session-time.ts'
import { createSignIn, type Proven, type SignIn } from './sessions/sign-in.ts'
import type { Store } from './store/index.ts'
import { createBreakGlass } from './totp/break-glass.ts'
import { totpOperations } from './totp/operations.ts'
import { createSecondFactors, type SecondFactors } from './totp/second-factors.ts'
import { createTwoFactorChanges } from './totp/two-factor-changes.ts'
import { createTwoFactorPolicy, type TwoFactorPolicy } from './totp/two-factor-policy.ts'
import type { Alarms } from './users/service-access.ts'
import { createTickets, type Tickets } from './users/tickets.ts'

/** How people come in: modes, passwords, second factors, and the way for when nothing else works. */
export interface Entrance {
  readonly signIn: SignIn
  readonly signInSteps: Tickets<Proven & { secret?: Uint8Array }>
  readonly secondFactors: SecondFactors
  readonly twoFactor: TwoFactorPolicy
  readonly loginModes: LoginModes
  readonly basicLogin: BasicLogin
  readonly operations: Operations
  /** For the operations on options: what follows from a change is done when they are answered. */
  awaiting(operations: Operations): Operations
  /** Looks after break-glass codes, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface EntranceDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
  log: Logger
  time: SessionTime
  correctedNow?: (() => number | undefined) | undefined
  alarms: Alarms
  options: Options
  people: People
  /** Whether there is somewhere else to sign in. */
  hasProvider(): boolean
}

export async function createEntrance(deps: EntranceDeps): Promise<Entrance> {
  const { people, options } = deps
  const { users, passwords, oversight, authority } = people
  const common = { ...deps, ...people }
  const twoFactor = createTwoFactorPolicy(options)
  const secondFactors = createSecondFactors({ ...common, policy: twoFactor })
  const changes = createTwoFactorChanges({ ...common, secondFactors, policy: twoFactor })
  await changes.start()
  const breakGlass = createBreakGlass(common)
  return {
    ...{ twoFactor, secondFactors },
    loginModes: createLoginModes(deps),
    signIn: createSignIn({ ...common, secondFactors, breakGlass }),
    signInSteps: createTickets(common),
    basicLogin: createBasicLogin({ ...common, secondFactors, users, passwords }),
    operations: totpOperations({ secondFactors, breakGlass, users, oversight, authority }),
    awaiting: changes.awaiting,
    run: breakGlass.run,
  }
}
