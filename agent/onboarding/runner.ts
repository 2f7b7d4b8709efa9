import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { refusePlaintext } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import type { Registration } from '../../protocol/registration.ts'
import type { AgentToken } from '../../protocol/token.ts'
import type { Credential, Proof, RegistrationAttempt } from '../credentials/credential.ts'
import { expiryOf, rotateAt } from '../credentials/policy.ts'
import type { Vault } from '../credentials/vault.ts'
import { HubUnavailable } from '../errors.ts'
import type { HubApi } from '../hub-api.ts'
import type { HubTime } from '../hub-time.ts'
import { type Home, registrationUri } from './home.ts'
import { type Effect, type Event, type Held, pending, type State, step } from './machine.ts'

/** Keeps the machine's state on disk and does what it asks for. */
export interface Runner {
  state(): State
  /** Why the last attempt did not lead to its goal; undefined since one did. */
  trouble(): string | undefined
  /** Runs `action` when no other action runs, so that what it has read stays true. */
  exclusively<T>(action: (turn: Turn) => Promise<T>): Promise<T>
}

export interface Turn {
  /** Resolves when what the event makes of the state is on disk. */
  tell(event: Event): Promise<void>
  /**
   * Performs what is pending, until nothing is. Rejects with a retryable error when the hub has not
   * decided; what is pending then stays so.
   */
  settle(signal: AbortSignal): Promise<void>
}

export interface RunnerDeps {
  vault: Vault
  hub: HubApi
  time: HubTime
  clock: Clock
  random: Random
  log: Logger
  /** What the hub gave for the credential now in use; `requestedAt` is on the monotonic clock. */
  onToken(token: AgentToken, requestedAt: number): void
  /** Takes out of the way what belongs to another agent than the next. May be asked again. */
  archive(name: string, former: Held): Promise<void>
  /** Called after each change, once it is on disk. `trouble`: why the hub refused, where it did. */
  onChange(before: State, after: State, trouble: string | undefined): void
}

export async function openRunner(deps: RunnerDeps): Promise<Runner> {
  const { vault, log } = deps
  let state = await vault.load()
  let trouble: string | undefined
  let queue: Promise<unknown> = Promise.resolve()

  /** `remember` is for what memory has to know before anybody is told. */
  async function commit(event: Event, remember = () => {}): Promise<void> {
    const before = state
    const next = step(before, event)
    if (next === before) return
    await vault.save(next)
    state = next
    if (before.at === 'needs-onboarding') trouble = undefined
    remember()
    if (next.at !== before.at) log.info({ from: before.at, to: next.at }, 'identity changed')
    deps.onChange(before, next, trouble)
  }

  async function performPending(signal: AbortSignal): Promise<void> {
    for (let effect = pending(state); effect; effect = pending(state)) {
      const { event, token } = await perform(effect, deps, signal)
      if (event.is === 'refused') log.warn({ request: effect.do, reason: event.reason }, 'the hub refused')
      await commit(event, () => {
        if (event.is === 'refused') trouble = event.reason
        if (token && state.at === 'onboarded') deps.onToken(token.answer, token.requestedAt)
      })
    }
  }

  async function settle(signal: AbortSignal): Promise<void> {
    if (pending(state)) trouble = undefined
    try {
      await performPending(signal)
    } catch (error) {
      if (error instanceof EdgeError) trouble = error.message
      throw error
    }
  }

  return {
    state: () => state,
    trouble: () => trouble,
    exclusively(action) {
      const result = queue.then(() => action({ tell: (event) => commit(event), settle }))
      queue = result.catch(() => {})
      return result
    },
  }
}

interface Performed {
  event: Event
  token?: { answer: AgentToken; requestedAt: number }
}

async function perform(effect: Effect, deps: RunnerDeps, signal: AbortSignal): Promise<Performed> {
  const { hub, clock, time, random } = deps
  if (effect.do === 'authenticate') {
    const requestedAt = clock.monotonic()
    const answer = await hub.token(effect.home, effect.proof, signal)
    if ('refused' in answer) return { event: { is: 'refused', reason: answer.refused } }
    return { event: { is: 'authenticated', now: time.now() }, token: { answer: answer.granted, requestedAt } }
  }
  if (effect.do === 'archive') {
    await deps.archive(effect.archive, effect.former)
    return { event: { is: 'archived' } }
  }
  const { home, attempt } = effect
  const answer =
    effect.do === 'register'
      ? await hub.register(home, effect.iat, attempt, signal)
      : await hub.rotate(home, effect.credential, attempt, signal)
  if ('refused' in answer) return { event: { is: 'refused', reason: answer.refused } }
  const proof = proofOf(answer.granted, attempt, home)
  const issuedAt = time.now()
  const expiresAt = expiryOf(answer.granted.client_secret_expires_at, issuedAt)
  const credential: Credential = {
    proof,
    registrationToken: answer.granted.registration_access_token,
    registrationUri: usableUri(answer.granted.registration_client_uri) ?? registrationUri(home),
    issuedAt,
    expiresAt,
    rotateAt: rotateAt({ issuedAt, expiresAt }, random.fraction()),
  }
  return { event: { is: 'issued', credential } }
}

function proofOf({ client_secret: secret }: Registration, { key }: RegistrationAttempt, home: Home): Proof {
  if (key) return { key }
  if (secret === undefined) throw new HubUnavailable(home.baseUrl, 'the registration has no client_secret')
  return { secret }
}

/** An address that could never be called must not be what the next rotation depends on. */
function usableUri(uri: string): string | undefined {
  try {
    refusePlaintext(new URL(uri))
    return uri
  } catch {
    return undefined
  }
}
