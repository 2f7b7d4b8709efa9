import Type, { type Static } from 'typebox'
import { Credential, RegistrationAttempt } from '../credentials/credential.ts'
import { expiryOf, rotateAt } from '../credentials/policy.ts'
import { Home, registrationUri } from './home.ts'

/** The box and what it can prove itself with. */
const held = {
  home: Home,
  active: Credential,
  previous: Type.Optional(Credential),
  /** When the hub took the box in, and when the active credential followed another; the hub's time. */
  onboardedAt: Type.Optional(Type.Integer()),
  rotatedAt: Type.Optional(Type.Integer()),
}

/** A registration, from its request to the hub's decision. */
const underway = {
  attempt: RegistrationAttempt,
  /** What the hub issued; must authenticate before it replaces anything. */
  candidate: Type.Optional(Credential),
}

const Unboarded = Type.Object({ at: Type.Literal('unboarded') })

const Onboarding = Type.Object({
  at: Type.Literal('onboarding'),
  home: Home,
  iat: Type.String(),
  ...underway,
  /** After a refusal: the answer to an earlier request may have been lost, so its key may be registered. */
  trying: Type.Optional(Type.Literal('attempt')),
  /** Where a refusal leads back to. */
  before: Type.Ref('State'),
  /** Another agent than in `before`: where that one's identity and data go once this one has authenticated. */
  archive: Type.Optional(Type.String()),
  /** When it has; the hub's time. */
  provenAt: Type.Optional(Type.Integer()),
})

const Onboarded = Type.Object({ at: Type.Literal('onboarded'), ...held })

const Rotating = Type.Object({
  at: Type.Literal('rotating'),
  ...held,
  ...underway,
  /** After a refusal: which of the known credentials still works is found out in this order. */
  trying: Type.Optional(Type.Enum(['attempt', 'active', 'previous'])),
})

/** The hub takes none of the known credentials. They are kept, and tried again now and then. */
const NeedsOnboarding = Type.Object({
  at: Type.Literal('needs-onboarding'),
  ...held,
  attempt: Type.Optional(RegistrationAttempt),
  candidate: Type.Optional(Credential),
  reason: Type.String(),
})

export const State = Type.Cyclic(
  { State: Type.Union([Unboarded, Onboarding, Onboarded, Rotating, NeedsOnboarding]) },
  'State',
)
export type State = Static<typeof State>
type In<At extends State['at']> = Extract<State, { at: At }>
/** A state in which the box belongs to an agent. */
export type Held = In<'onboarded' | 'rotating' | 'needs-onboarding'>

export type Event =
  /** A person gave a boarding configuration. */
  | { is: 'boarding'; home: Home; iat: string; attempt: RegistrationAttempt; archive?: string }
  /** The same agent, found at other addresses. */
  | { is: 'moved'; home: Home }
  /** `attempt` is not used where one waits already. */
  | { is: 'rotationDue'; attempt: RegistrationAttempt }
  | { is: 'issued'; credential: Credential }
  /** The hub gave an access token; `now` is the hub's time. */
  | { is: 'authenticated'; now: number }
  | { is: 'refused'; reason: string }
  /** What belonged to the identity before is out of the way. */
  | { is: 'archived' }

export type Effect =
  | { do: 'register'; home: Home; iat: string; attempt: RegistrationAttempt }
  | { do: 'rotate'; home: Home; credential: Credential; attempt: RegistrationAttempt }
  | { do: 'authenticate'; home: Home; proof: Credential['proof'] }
  | { do: 'archive'; archive: string; former: Held }

/**
 * Onboarding and rotation as one pure machine. The runner saves the result, then performs what is
 * `pending` in it and feeds back what happened. A credential leaves only for one that has
 * authenticated, and is then kept for one rotation more.
 */
export function step(state: State, event: Event): State {
  if (event.is === 'boarding') {
    const { is: _, home, ...asked } = event
    if (isUnderway(state, home)) return { ...state, home } // an initial access token is used once only
    return { at: 'onboarding', home, ...asked, before: state }
  }
  if (state.at === 'unboarded') return state
  if (state.at === 'onboarding') return stepOnboarding(state, event)
  if (event.is === 'moved') return moved(state, event.home)
  if (state.at === 'rotating') return stepRotating(state, event)
  if (event.is === 'rotationDue') return rotating(state, event.attempt)
  if (state.at === 'needs-onboarding' && event.is === 'authenticated') return onboarded(state)
  return state // late or repeated events change nothing
}

/**
 * The one thing to do in a state, undefined at rest. It follows from the state alone, so what a power
 * cut left undone is found again on start. Every effect may be repeated.
 */
export function pending(state: State): Effect | undefined {
  if (state.at !== 'onboarding' && state.at !== 'rotating') return undefined
  const { home, attempt, candidate, trying } = state
  const replaced = state.at === 'onboarding' ? replacedIn(state) : undefined
  if (replaced) return { do: 'archive', ...replaced }
  if (trying === 'attempt' && attempt.key) return { do: 'authenticate', home, proof: { key: attempt.key } }
  if (state.at === 'onboarding') {
    if (candidate) return { do: 'authenticate', home, proof: candidate.proof }
    return { do: 'register', home, iat: state.iat, attempt }
  }
  const tried = trying === 'active' ? state.active : trying === 'previous' ? state.previous : candidate
  if (tried) return { do: 'authenticate', home, proof: tried.proof }
  return { do: 'rotate', home, credential: state.active, attempt }
}

/** The box is being taken in with just this initial access token. */
export const isUnderway = (state: State, home: Home): state is In<'onboarding'> =>
  state.at === 'onboarding' && state.home.iatDigest === home.iatDigest

/**
 * What the box is, also while it is being taken in anew. Between two agents it is neither: nothing of the
 * one may reach the other.
 */
export function holding(state: State): Held | undefined {
  if (state.at === 'unboarded') return undefined
  if (state.at !== 'onboarding') return state
  return state.provenAt === undefined ? holding(state.before) : undefined
}

/** Who the box is until another agent, which has authenticated, takes its place. */
export function replacedIn({
  archive,
  provenAt,
  before,
}: In<'onboarding'>): { archive: string; former: Held } | undefined {
  const former = holding(before)
  return former && archive !== undefined && provenAt !== undefined ? { archive, former } : undefined
}

function stepOnboarding(state: In<'onboarding'>, event: Event): State {
  const { home, attempt, candidate, trying, before, archive, provenAt } = state
  if (event.is === 'issued') return { ...state, candidate: event.credential }
  if (event.is === 'authenticated') {
    const active = candidate ?? adopted(attempt, event.now, { registrationUri: registrationUri(home) })
    if (!active) return state
    if (archive !== undefined) return { ...state, candidate: active, provenAt: event.now }
    return { at: 'onboarded', home, active, ...previousOf(before), onboardedAt: event.now }
  }
  if (event.is === 'archived' && candidate && provenAt !== undefined)
    return { at: 'onboarded', home, active: candidate, onboardedAt: provenAt }
  if (event.is !== 'refused') return state
  // A token that the hub has taken ended all that was issued to this agent under earlier ones.
  if (candidate && archive === undefined)
    return { at: 'needs-onboarding', home, active: candidate, ...previousOf(before), reason: event.reason }
  return attempt.key && !trying && !candidate ? { ...state, trying: 'attempt' } : before
}

function previousOf(before: State): { previous?: Credential } {
  const earlier = holding(before)?.active
  return earlier ? { previous: earlier } : {}
}

function stepRotating(state: In<'rotating'>, event: Event): State {
  const { attempt, candidate, trying, active, previous } = state
  if (event.is === 'issued') return { ...state, candidate: event.credential }
  if (event.is === 'authenticated') {
    if (trying === 'active') return onboarded(state)
    const proven =
      trying === 'previous'
        ? previous
        : trying === 'attempt'
          ? adopted(attempt, event.now, active)
          : candidate
    if (!proven) return state
    return { ...onboarded(state), active: proven, previous: active, rotatedAt: event.now }
  }
  if (event.is !== 'refused') return state
  if (!trying && !candidate && attempt.key) return { ...state, trying: 'attempt' }
  if (!trying || trying === 'attempt') return { ...state, trying: 'active' }
  if (trying === 'active' && previous) return { ...state, trying: 'previous' }
  const { trying: _, ...kept } = state
  return { ...kept, at: 'needs-onboarding', reason: event.reason }
}

/** Without a registration token there is nothing to ask with; what is left is to see what still works. */
function rotating(state: In<'onboarded' | 'needs-onboarding'>, fresh: RegistrationAttempt): State {
  const { attempt = fresh, candidate } = state.at === 'needs-onboarding' ? state : {}
  const stuck = !candidate && state.active.registrationToken === undefined
  return {
    ...onboarded(state),
    at: 'rotating',
    attempt,
    ...(candidate ? { candidate } : {}),
    ...(stuck ? { trying: 'active' as const } : {}),
  }
}

/** The box as it is, with nothing under way. */
function onboarded({ home, active, previous, onboardedAt, rotatedAt }: Held): In<'onboarded'> {
  return {
    at: 'onboarded',
    home,
    active,
    ...(previous ? { previous } : {}),
    ...(onboardedAt === undefined ? {} : { onboardedAt }),
    ...(rotatedAt === undefined ? {} : { rotatedAt }),
  }
}

/** The key of an attempt whose answer was lost for good, but which the hub turned out to know. */
function adopted(
  { key }: RegistrationAttempt,
  now: number,
  known: Pick<Credential, 'registrationUri' | 'registrationToken'>,
): Credential | undefined {
  if (!key) return undefined
  const life = { issuedAt: now, expiresAt: expiryOf(undefined, now) }
  const { registrationUri: uri, registrationToken } = known
  return {
    proof: { key },
    registrationUri: uri,
    ...(registrationToken === undefined ? {} : { registrationToken }),
    ...life,
    rotateAt: rotateAt(life, 0),
  }
}

/** A credential of the old place is rotated at the new one. */
function moved(state: Held, home: Home): State {
  const { baseUrl } = state.home
  const move = (credential: Credential): Credential =>
    credential.registrationUri.startsWith(`${baseUrl}/`)
      ? { ...credential, registrationUri: home.baseUrl + credential.registrationUri.slice(baseUrl.length) }
      : credential
  const { previous } = state
  return { ...state, home, active: move(state.active), ...(previous ? { previous: move(previous) } : {}) }
}
