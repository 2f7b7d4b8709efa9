import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { backoffMs, delayAfter, type RetryPolicy } from '../../core/retry.ts'
import type { HubTime } from '../hub-time.ts'
import type { Held, State } from '../onboarding/machine.ts'
import type { Runner } from '../onboarding/runner.ts'
import { type Credential, newAttempt, type RegistrationAttempt } from './credential.ts'

/** Keeps the identity alive: finishes what is pending, rotates when due, and never gives up. */
export interface Rotation {
  run(signal: AbortSignal): Promise<void>
  /** Looks at once whether there is something to do. */
  wake(): void
  /** The hub refused this credential before its time: its registration token may still renew it. */
  suspect(credential: Credential): void
}

export interface RotationDeps {
  runner: Runner
  time: HubTime
  clock: Clock
  random: Random
  log: Logger
}

/** Wall time may step meanwhile, so the deadline is looked at again and again. */
const longestSleepMs = 60_000

export function createRotation(deps: RotationDeps, retry: RetryPolicy): Rotation {
  const { runner, time, clock, random, log } = deps
  let suspected: Credential | undefined
  let woken = new AbortController()

  /** The state itself when its credential is to be renewed. */
  const due = (state: State): Held | undefined => {
    if (state.at === 'needs-onboarding') return state
    if (state.at !== 'onboarded') return undefined
    return suspected === state.active || time.now() >= state.active.rotateAt ? state : undefined
  }

  const turn = (signal: AbortSignal) =>
    runner.exclusively(async ({ tell, settle }) => {
      const state = due(runner.state())
      if (state) await tell({ is: 'rotationDue', attempt: await nextAttempt(state, random) })
      await settle(signal)
    })

  /** How long nothing needs to be done after a turn that the hub has answered. */
  const restMs = (state: State): number => {
    suspected = undefined
    if (due(state)) return backoffMs(Number.MAX_SAFE_INTEGER, retry, random) // refused: knock slowly
    return state.at === 'onboarded'
      ? Math.min(longestSleepMs, state.active.rotateAt - time.now())
      : longestSleepMs
  }

  const failed = (error: unknown, failures: number): number => {
    if (!(error instanceof EdgeError && error.retryable)) throw error
    const delayMs = delayAfter(error, failures, retry, random)
    log.warn({ code: error.code, reason: error.message, delayMs }, 'the hub did not decide; trying again')
    return delayMs
  }

  return {
    async run(signal) {
      for (let failures = 0; !signal.aborted; ) {
        woken = new AbortController()
        const delayMs = await turn(signal).then(
          () => {
            failures = 0
            return restMs(runner.state())
          },
          (error) => (signal.aborted ? 0 : failed(error, failures++)),
        )
        const either = AbortSignal.any([signal, woken.signal])
        await clock.sleep(delayMs, either).catch(() => {}) // it rejects only because one of them aborted
      }
    },
    wake: () => woken.abort(),
    suspect(credential) {
      if (suspected === credential) return
      suspected = credential
      woken.abort()
    },
  }
}

/** The one that the hub has not taken yet, or a new one. */
export async function nextAttempt(state: Held, random: Random): Promise<RegistrationAttempt> {
  const waiting = state.at === 'onboarded' ? undefined : state.attempt
  return waiting ?? (await newAttempt(state.home.profile, random))
}
