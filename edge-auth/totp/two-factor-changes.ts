import type { Operations } from '../../core/control.ts'
import { enforced, mode, strategy, twoFactor } from '../options/login-options.ts'
import type { Options } from '../options/options.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Store } from '../store/index.ts'
import { login } from '../users/login-names.ts'
import type { Users } from '../users/users.ts'
import type { SecondFactors } from './second-factors.ts'
import type { TwoFactorPolicy } from './two-factor-policy.ts'

export interface TwoFactorChangesDeps {
  options: Pick<Options, 'onChange'>
  policy: TwoFactorPolicy
  secondFactors: Pick<SecondFactors, 'clear'>
  sessions: Pick<Sessions, 'end'>
  users: Pick<Users, 'find' | 'endSessions'>
  store: Pick<Store, 'contents' | 'change'>
}

/** What follows from a change of how people sign in. */
export interface TwoFactorChanges {
  /** Also does what a power cut has kept from being done. */
  start(): Promise<void>
  /** For the operations on options: they are answered when all has followed. */
  awaiting(operations: Operations): Operations
}

const reason = 'two_factor_changed'
const isMode = (params: unknown): boolean => {
  const { category, key } = params as { category?: unknown; key?: unknown }
  return category === login && key === mode
}

export function createTwoFactorChanges(deps: TwoFactorChangesDeps): TwoFactorChanges {
  const { options, policy, secondFactors, sessions, users, store } = deps
  const kept = (name: string) => store.contents.settings.find(({ key }) => key === name)?.value
  let applied = kept('totp_strategy') ?? 'off'
  let wasEnforced = kept('totp_enforced') === 'true'
  let modeChanges = 0

  /** Sessions first: the setting says that both are done. */
  const applyStrategy = async (): Promise<void> => {
    if (policy.strategy === applied) return
    const wanted = policy.strategy
    await sessions.end({ all: true }, reason)
    await secondFactors.clear(wanted)
    applied = wanted
  }
  const applyEnforced = async (): Promise<void> => {
    const isEnforced = policy.isEnforced
    if (isEnforced === wasEnforced) return
    if (isEnforced && policy.strategy === 'totp') await sessions.end({ all: true }, reason)
    const done = { key: 'totp_enforced', value: String(isEnforced) } as const
    await store.change((disk) => disk.call('putSetting', [], done))
    wasEnforced = isEnforced
  }
  const apply = () => applyStrategy().then(applyEnforced)

  let following: Promise<unknown> = Promise.resolve()
  options.onChange((category, key) => {
    if (category === login && key === mode) modeChanges++
    if (category !== twoFactor || (key !== strategy && key !== enforced)) return
    following = following.then(apply, apply)
    following.catch(() => {}) // told to who waits
  })

  return {
    start: apply,
    awaiting: (operations) =>
      Object.fromEntries(
        Object.entries(operations).map(([name, operation]) => [
          name,
          async (params, caller) => {
            const before = modeChanges
            const result = await operation(params, caller)
            await following
            const { user } = caller
            // Whoever changes how one signs in shows that he still can.
            const hasChanged =
              modeChanges !== before && isMode(params) && user !== undefined && users.find(user)
            if (hasChanged) await users.endSessions(user, 'login_mode_changed')
            return result
          },
        ]),
      ),
  }
}
