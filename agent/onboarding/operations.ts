import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { Unreachable } from '../../core/net/index.ts'
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
import { type Boarding, checkBoarding, getNewFile } from './boarding.ts'
import type { Home } from './home.ts'
import { type Held, holding, isUnderway, pending } from './machine.ts'
import type { Runner, Turn } from './runner.ts'

export interface OnboardingDeps {
  runner: Runner
  hub: HubApi
  time: HubTime
  random: Random
  /** What was set aside for another identity since this start. */
  archived(): Archived | undefined
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
  /** What belonged to the identity that this one replaced. */
  archived?: Archived
}

export interface Archived {
  directory: string
  /** Not delivered, and kept there. */
  readings: number
}

/** Of `identity.rotate`: short names of the credentials, never secrets. */
export interface Rotated {
  before: string
  after: string
  credentialExpiresAt: number
}

const parseOnboard = parser(
  Type.Object({
    boarding: Type.Unknown(),
    /** Also when the box belongs to another agent, whose identity and data are then set aside. */
    replace: Type.Optional(Type.Boolean()),
  }),
)

export function onboardingOperations(deps: OnboardingDeps) {
  const { runner, time } = deps
  return {
    'identity.onboard': async (params) => {
      const { boarding, replace = false } = parseOnboard(params, 'identity.onboard')
      const checked = checkBoarding(boarding, time.earliest())
      return runner.exclusively((turn) => onboard(checked, replace, turn, deps))
    },
    'identity.rotate': () => runner.exclusively((turn) => rotate(turn, deps)),
  } satisfies Operations
}

async function onboard(
  { home, iat, expired }: Boarding,
  replace: boolean,
  turn: Turn,
  deps: OnboardingDeps,
): Promise<Onboarded> {
  const { runner, random, time, signal } = deps
  if (pending(runner.state())?.do === 'archive') await turn.settle(signal)
  const state = runner.state()
  const held = holding(state)
  const other = held !== undefined && !isSame(held.home, home)
  if (other && !replace) throw refusedOther(held.home, home)
  if (held && !other) {
    const kept = state === held ? await keep(held, home, turn, deps) : undefined
    if (kept) return kept
    if (held.home.iatDigest === home.iatDigest)
      throw refused(
        'the box no longer works with the hub, and this boarding file has been used already',
        home,
      )
  }
  if (expired) throw expired
  const attempt = isUnderway(state, home) ? state.attempt : await newAttempt(home.profile, random)
  const archive = other ? { archive: archiveName(held.home, time.now(), random) } : {}
  await turn.tell({ is: 'boarding', home, iat, attempt, ...archive })
  await decided(turn.settle(signal), 'the boarding configuration is saved and edgeward goes on trying')
  const after = runner.state()
  if (after.at !== 'onboarded' || after.home.iatDigest !== home.iatDigest)
    throw refused(`the hub at ${home.baseUrl} refused this box (${runner.trouble()})`, home)
  return { ...described(after.home, after.active), kept: false, ...became(held, other, deps) }
}

function became(held: Held | undefined, other: boolean, { archived }: OnboardingDeps) {
  if (!held) return { reason: 'the hub took the box in' }
  if (!other) return { reason: 'the hub no longer took the former credential; collected data is kept' }
  const reason = `the hub took the box in; the identity of agent ${held.home.agentId} and its unsent data were set aside`
  const aside = archived()
  return { reason, ...(aside ? { archived: aside } : {}) }
}

/** A folder's name that any file system takes; a clock that is wrong must not make it come twice. */
function archiveName({ agentId }: Home, now: number, random: Random): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${time}-${agentId.replaceAll(/[^\w-]/g, '_')}-${random.bytes(3).toString('hex')}`
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

const isSame = (ours: Home, { tenant, agentId }: Home): boolean =>
  ours.tenant === tenant && ours.agentId === agentId

const refusedOther = (ours: Home, { tenant, agentId }: Home): OnboardingRefused =>
  new OnboardingRefused(
    `this box belongs to agent ${ours.agentId} of tenant ${ours.tenant}; the file is for agent ${agentId} of tenant ${tenant}`,
    'Use the boarding file of that agent. To give the box another identity, run "edgeward onboard --replace FILE": what was not delivered is set aside on the box, and stays there.',
  )

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
