import type { Clock } from '../../core/clock.ts'
import type { Decision, Guard } from '../guard/guard.ts'

/** How an app does, as the broker sees it. */
export interface BrokerView {
  connections: number
  /** Epoch milliseconds; of its oldest connection. */
  connectedSince: number | null
  lastMessageAt: number | null
  published: number
  denied: number
  /** What had to wait for its quota, or was refused because of it. */
  overQuota: number
  errors: readonly AppError[]
}

export interface AppError {
  at: number
  message: string
}

/** And as the guard does, since the start. */
export interface GuardView {
  passed: number
  denied: number
  lastPassedAt: number | null
  errors: readonly AppError[]
}

export interface AppHealth {
  /** Undefined parts are not known: nothing runs. */
  of(clientId: string): { broker: BrokerView | null; guard: GuardView }
  /** For the guard, of each decision. */
  note(decision: Decision): void
  /** While a broker runs: how it sees an app. */
  watch(seen: (clientId: string) => BrokerView | undefined): void
  forget(clientId: string): void
}

const keptErrors = 5

export function createAppHealth({ clock }: { clock: Clock }): AppHealth {
  const views = new Map<string, GuardView>()
  let seenByBroker: (clientId: string) => BrokerView | undefined = () => undefined
  const none: GuardView = { passed: 0, denied: 0, lastPassedAt: null, errors: [] }
  const view = (clientId: string): GuardView => views.get(clientId) ?? none
  return {
    of: (clientId) => ({ broker: seenByBroker(clientId) ?? null, guard: view(clientId) }),
    note(decision) {
      if (decision.is === 'sign_in' || !decision.gate) return
      const { clientId } = decision.gate
      const before = view(clientId)
      const at = clock.now()
      if (decision.is === 'pass')
        views.set(clientId, { ...before, passed: before.passed + 1, lastPassedAt: at })
      else {
        const errors = [...before.errors, { at, message: decision.reason }].slice(-keptErrors)
        views.set(clientId, { ...before, denied: before.denied + 1, errors })
      }
    },
    watch(seen) {
      seenByBroker = seen
    },
    forget: (clientId) => void views.delete(clientId),
  }
}

/** Each decision is counted for its app. */
export const watched = (guard: Guard, { note }: AppHealth): Guard => ({
  ...guard,
  async decide(question) {
    const decision = await guard.decide(question)
    note(decision)
    return decision
  },
})
