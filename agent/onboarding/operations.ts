import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { Unreachable } from '../../core/http-client.ts'
import type { Random } from '../../core/random.ts'
import { parser } from '../../core/schema.ts'
import { type Credential, credentialName, newAttempt } from '../credentials/credential.ts'
import { nextAttempt } from '../credentials/rotation.ts'
import {
  CredentialRefused,
  HubUnavailable,
  HubUnreachable,
  NotOnboarded,
  OnboardingRefused,
} from '../errors.ts'
import type { HubApi } from '../hub-api.ts'
import type { HubTime } from '../hub-time.ts'
import { checkBoarding, getNewFile } from './boarding.ts'
import type { Home } from './home.ts'
import { type Held, holding, isUnderway } from './machine.ts'
import type { Runner, Turn } from './runner.ts'

export interface OnboardingDeps {
  runner: Runner
  hub: HubApi
  time: HubTime
  random: Random
  /** Ends what is under way when the identity is closed. */
  signal: AbortSignal
}

/** Of `identity.onboard`. */
export interface Onboarded {
  state: 'onboarded'
  tenant: string
  agentId: string
  profile: Home['profile']
  hub: string
  /** True when the box was this agent before, and its credential still works. */
  kept: boolean
  /** What was kept or done, and why. */
  reason: string
  credentialExpiresAt: number
}

/** Of `identity.rotate`: short names of the credentials, never secrets. */
export interface Rotated {
  before: string
  after: string
  credentialExpiresAt: number
}

const parseOnboard = parser(Type.Object({ boarding: Type.Unknown() }))

export function onboardingOperations(deps: OnboardingDeps) {
  const { runner, time } = deps
  return {
    'identity.onboard': async (params) => {
      const { boarding } = parseOnboard(params, 'identity.onboard')
      const { home, iat } = checkBoarding(boarding, time.now())
      return runner.exclusively((turn) => onboard(home, iat, turn, deps))
    },
    'identity.rotate': () => runner.exclusively((turn) => rotate(turn, deps)),
  } satisfies Operations
}

async function onboard(home: Home, iat: string, turn: Turn, deps: OnboardingDeps): Promise<Onboarded> {
  const { runner, random, signal } = deps
  const state = runner.state()
  const held = holding(state)
  if (held) {
    refuseOther(held.home, home)
    const kept = state === held ? await keep(held, home, turn, deps) : undefined
    if (kept) return kept
    if (held.home.iatDigest === home.iatDigest)
      throw refused(
        'the box no longer works with the hub, and this boarding file has been used already',
        home,
      )
  }
  const attempt = isUnderway(state, home) ? state.attempt : await newAttempt(home.profile, random)
  await turn.tell({ is: 'boarding', home, iat, attempt })
  await decided(turn.settle(signal), 'the boarding configuration is saved and edgeward goes on trying')
  const after = runner.state()
  if (after.at !== 'onboarded' || after.home.iatDigest !== home.iatDigest)
    throw refused(`the hub at ${home.baseUrl} refused this box (${runner.trouble()})`, home)
  const reason = held
    ? 'the hub no longer took the former credential; collected data is kept'
    : 'the hub took the box in'
  return { ...described(after.home, after.active), kept: false, reason }
}

/** A box that works is not taken in again: its credential stays, its addresses follow the file. */
async function keep(
  held: Held,
  home: Home,
  turn: Turn,
  deps: OnboardingDeps,
): Promise<Onboarded | undefined> {
  const { profile, iatDigest } = held.home
  const target = { ...home, profile, iatDigest } // the token in the file stays unused
  const asked = deps.hub.token(target, held.active.proof, deps.signal)
  const answer = await decided(asked, 'the box keeps its credential and its addresses')
  if ('refused' in answer) return undefined
  const moves = addresses.some((key) => target[key] !== held.home[key])
  if (moves) await turn.tell({ is: 'moved', home: target })
  if (held.at === 'needs-onboarding') await turn.tell({ is: 'authenticated', now: deps.time.now() })
  const reason = `the box is this agent already and its credential works${moves ? '; its addresses were updated' : ''}`
  return { ...described(target, held.active), kept: true, reason }
}

const addresses = ['baseUrl', 'mqtt', 'ca'] as const

async function rotate(turn: Turn, { runner, random, signal }: OnboardingDeps): Promise<Rotated> {
  const state = runner.state()
  if (state.at === 'unboarded' || state.at === 'onboarding') throw new NotOnboarded()
  const before = credentialName(state.active.proof)
  await turn.tell({ is: 'rotationDue', attempt: await nextAttempt(state, random) })
  await decided(turn.settle(signal), 'the rotation is under way and edgeward goes on trying')
  const after = runner.state()
  if (after.at !== 'onboarded' || credentialName(after.active.proof) === before)
    throw new CredentialRefused(
      `the hub refused the rotation (${runner.trouble()}); no credential was dropped`,
    )
  return { before, after: credentialName(after.active.proof), credentialExpiresAt: after.active.expiresAt }
}

function refuseOther(ours: Home, { tenant, agentId }: Home): void {
  if (ours.tenant === tenant && ours.agentId === agentId) return
  throw new OnboardingRefused(
    `this box belongs to agent ${ours.agentId} of tenant ${ours.tenant}; the file is for agent ${agentId} of tenant ${tenant}`,
    'Use the boarding file of that agent. To give the box another identity, stop edgeward and move its identity directory away.',
  )
}

const refused = (reason: string, { agentId }: Home): OnboardingRefused =>
  new OnboardingRefused(reason, `It may be of another hub, used or revoked. ${getNewFile(agentId)}`)

/** Throws `HubUnreachable`, which says what holds meanwhile, when the hub has decided nothing. */
async function decided<T>(asked: Promise<T>, meanwhile: string): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Unreachable || error instanceof HubUnavailable)
      throw new HubUnreachable(meanwhile, error)
    throw error
  }
}

const described = ({ tenant, agentId, profile, baseUrl }: Home, { expiresAt }: Credential) => ({
  state: 'onboarded' as const,
  tenant,
  agentId,
  profile,
  hub: baseUrl,
  credentialExpiresAt: expiresAt,
})
