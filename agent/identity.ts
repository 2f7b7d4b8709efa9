import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import type { Logger } from '../core/log.ts'
import type { Http } from '../core/net/index.ts'
import type { Random } from '../core/random.ts'
import { releasedAt } from '../core/release.ts'
import type { RetryPolicy } from '../core/retry.ts'
import { aborted } from '../core/tasks.ts'
import type { SecurityProfile } from '../protocol/boarding.ts'
import type { AgentToken } from '../protocol/token.ts'
import type { Events } from './alarms/events.ts'
import { changesTo, createAudit } from './audit.ts'
import { credentialName } from './credentials/credential.ts'
import { createRotation, type Rotation } from './credentials/rotation.ts'
import { countRotations, type Rotations } from './credentials/rotation-count.ts'
import { type AccessToken, createAccessTokens } from './credentials/tokens.ts'
import { openVault, type Vault } from './credentials/vault.ts'
import { CredentialRefused, IdentityReplaced, NotOnboarded } from './errors.ts'
import { createHubApi, type HubApi } from './hub-api.ts'
import type { HubTime } from './hub-time.ts'
import { type Held, holding, type State } from './onboarding/machine.ts'
import { type Archived, onboardingOperations } from './onboarding/operations.ts'
import { openRunner, type Runner } from './onboarding/runner.ts'
import { createGuard } from './time/guard.ts'

export type { AccessToken } from './credentials/tokens.ts'

/** Who this box is at the hub, and the keeping of it. */
export interface Identity extends AsyncDisposable {
  /** `identity.onboard`, `identity.rotate`, `identity.token`, `identity.check`: does the hub take the credential. */
  readonly operations: Operations
  /** Undefined until the box is onboarded. */
  current(): Membership | undefined
  /** Resolves with the membership, at once or when the box has been onboarded. */
  onboarded(signal: AbortSignal): Promise<Membership>
  /** Called when the membership changed: onboarded, or taken in anew. */
  onChange(listener: () => void): void
  /**
   * An access token that is still good for at least a fifth of its life; fetched when needed. Rejects
   * with `NotOnboarded`, or with a retryable error while the hub cannot or will not give one.
   */
  accessToken(signal?: AbortSignal): Promise<AccessToken>
  /** The hub did not take this access token: the next call of `accessToken` fetches another. */
  forget(accessToken: string): void
  status(): IdentityStatus
  rotations(): Rotations
  /** Onboards when a boarding configuration waits, rotates on schedule; until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface Membership {
  tenant: string
  agentId: string
  baseUrl: string
  mqtt?: string
  /** PEM. */
  ca?: string
}

export interface IdentityStatus {
  state: State['at']
  /** Why, when it is not onboarded or the last attempt failed. */
  reason?: string
  tenant?: string
  agentId?: string
  profile?: SecurityProfile
  hub?: string
  /** A short name of the credential in use that changes with each rotation; never a secret. */
  credential?: string
  credentialIssuedAt?: number
  credentialExpiresAt?: number
  rotateAt?: number
  /** When the hub took the box in, and when its credential last followed another. */
  onboardedAt?: number
  rotatedAt?: number
}

export interface IdentityDeps {
  http: Http
  /** Its own, proven by the hub's answers, unless it is shared with others. */
  time?: HubTime
  clock: Clock
  random: Random
  log: Logger
  /** Keeps what has happened to the identity, for people. */
  note?: Events['note']
  /**
   * Sets aside, under this name, what belongs to the agent that the box was until now: it must reach
   * nobody else. May be asked again after it was done.
   */
  archive(name: string, former: Held): Promise<Archived>
}

export interface IdentityConfig {
  /** Owned by the identity; created when absent. */
  dir: string
  retry: RetryPolicy
}

/** Reads the identity from disk; the network is used by `run` and operations only. Throws `IdentityUnreadable`. */
export async function openIdentity(deps: IdentityDeps, { dir, retry }: IdentityConfig): Promise<Identity> {
  const log = deps.log.child({ part: 'identity' })
  return identityIn(await openVault({ log }, { dir }), deps, retry)
}

/** The identity that lies in `vault`. */
export async function identityIn(vault: Vault, deps: IdentityDeps, retry: RetryPolicy): Promise<Identity> {
  const { http, clock, random } = deps
  const log = deps.log.child({ part: 'identity' })
  const closing = new AbortController()
  const listeners = new Set<() => void>()
  const time = deps.time ?? createGuard({ clock, log }, { floor: releasedAt })
  const hub = createHubApi({ http, time, clock, random })
  const audit = createAudit(deps.log.child({ part: 'audit' }), deps.note)
  const rotations = countRotations()
  let archived: Archived | undefined
  const runner = await openRunner({
    ...{ vault, hub, time, clock, random, log },
    onToken: (answer, requestedAt) => tokens.put(answer, requestedAt),
    async archive(name, former) {
      archived = await deps.archive(name, former)
    },
    onChange(before, after, trouble) {
      rotations.noticed(before, after)
      audited({ before, after, trouble, archived, now: time.now() })
      const [was, is] = [holding(before)?.home, holding(after)?.home]
      if (was === is) return
      if (!is) tokens.clear() // what there is belongs to the former agent
      for (const listener of listeners) listener()
    },
  })
  const audited = changesTo(audit, runner.state())
  const rotation = createRotation({ runner, time, clock, random, log }, retry)
  const tokens = createAccessTokens(() => requestToken({ runner, hub, rotation }, closing.signal), clock)
  const operations = onboardingOperations({
    ...{ runner, hub, time, random, archived: () => archived, signal: closing.signal },
  })

  const current = (): Membership | undefined => {
    const held = holding(runner.state())
    if (!held) return undefined
    const { tenant, agentId, baseUrl, mqtt, ca } = held.home
    return { tenant, agentId, baseUrl, ...(mqtt ? { mqtt } : {}), ...(ca ? { ca } : {}) }
  }

  return {
    operations: {
      'identity.onboard': (params) => operations['identity.onboard'](params).finally(rotation.wake),
      'identity.rotate': () => operations['identity.rotate']().finally(rotation.wake),
      'identity.token': async () => {
        const { token, expiresAt } = await tokens.get()
        return { access_token: token, expires_in: Math.floor((expiresAt - clock.monotonic()) / 1000) }
      },
      async 'identity.check'() {
        await requestToken({ runner, hub, rotation }, closing.signal)
        return { accepted: true }
      },
    },
    current,
    async onboarded(signal) {
      for (;;) {
        const change = Promise.withResolvers<void>()
        listeners.add(change.resolve)
        try {
          const membership = current()
          if (membership) return membership
          await Promise.race([change.promise, aborted(signal)])
          signal.throwIfAborted()
        } finally {
          listeners.delete(change.resolve)
        }
      }
    },
    onChange: (listener) => void listeners.add(listener),
    accessToken: (signal) => tokens.get(signal),
    forget: (token) => tokens.forget(token),
    status: () => statusOf(runner),
    rotations: rotations.counts,
    run: (signal) => rotation.run(signal),
    async [Symbol.asyncDispose]() {
      closing.abort()
      await runner.exclusively(async () => {}) // what is being saved is let finish
    },
  }
}

async function requestToken(
  { runner, hub, rotation }: { runner: Runner; hub: HubApi; rotation: Rotation },
  signal: AbortSignal,
): Promise<AgentToken> {
  const held = holding(runner.state())
  if (!held) throw new NotOnboarded()
  if (held.at === 'needs-onboarding') throw new CredentialRefused(held.reason)
  const answer = await hub.token(held.home, held.active.proof, signal)
  if (holding(runner.state())?.home.agentId !== held.home.agentId)
    throw new IdentityReplaced('the box became another agent while it asked for an access token')
  if ('granted' in answer) return answer.granted
  rotation.suspect(held.active)
  throw new CredentialRefused(`the hub refused the credential of this box (${answer.refused})`)
}

function statusOf(runner: Runner): IdentityStatus {
  const state = runner.state()
  const reason = state.at === 'needs-onboarding' ? state.reason : runner.trouble()
  const why = reason === undefined ? {} : { reason }
  if (state.at === 'unboarded') return { state: state.at, ...why }
  const { tenant, agentId, profile, baseUrl: hub } = state.home
  const held = holding(state)
  const active = held?.active
  const credential = active && {
    credential: credentialName(active.proof),
    credentialIssuedAt: active.issuedAt,
    credentialExpiresAt: active.expiresAt,
    rotateAt: active.rotateAt,
    ...(held.onboardedAt === undefined ? {} : { onboardedAt: held.onboardedAt }),
    ...(held.rotatedAt === undefined ? {} : { rotatedAt: held.rotatedAt }),
  }
  return { state: state.at, ...why, tenant, agentId, profile, hub, ...credential }
}
