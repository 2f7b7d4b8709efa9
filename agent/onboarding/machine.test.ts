import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Credential, RegistrationAttempt } from '../credentials/credential.ts'
import type { Home } from './home.ts'
import { type Event, holding, pending, type State, step } from './machine.ts'

const home = (iatDigest: string): Home => ({
  tenant: 'plant',
  agentId: 'press',
  profile: 'RSA_3072',
  baseUrl: 'https://hub.example',
  iatDigest,
})

const credential = (name: string, hasToken = true): Credential => ({
  proof: { secret: name },
  ...(hasToken ? { registrationToken: `token of ${name}` } : {}),
  registrationUri: 'https://hub.example/register/press',
  issuedAt: 0,
  expiresAt: 10,
  rotateAt: 6,
})

const key = (kid: string) =>
  ({ kty: 'RSA', kid, n: kid, e: 'AQAB', ...{ d: '', p: '', q: '', dp: '', dq: '', qi: '' } }) as const
const attempt = (name: string, hasKey: boolean): RegistrationAttempt => ({
  idempotencyKey: name,
  ...(hasKey ? { key: key(name) } : {}),
})

const name = fc.integer({ min: 0, max: 1_000_000 }).map(String)
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ iat: name, hasKey: fc.boolean() }).map(
    ({ iat, hasKey }): Event => ({
      is: 'boarding',
      home: home(iat),
      iat,
      attempt: attempt(`attempt ${iat}`, hasKey),
    }),
  ),
  fc.record({ name, hasKey: fc.boolean() }).map(
    ({ name, hasKey }): Event => ({
      is: 'rotationDue',
      attempt: attempt(name, hasKey),
    }),
  ),
  fc.record({ name, hasToken: fc.boolean() }).map(
    ({ name, hasToken }): Event => ({
      is: 'issued',
      credential: credential(name, hasToken),
    }),
  ),
  fc.constant<Event>({ is: 'authenticated', now: 1 }),
  fc.constant<Event>({ is: 'refused', reason: 'status 401' }),
  fc.constant<Event>({ is: 'moved', home: home('moved') }),
)

/** An event that can happen in a state: only what was asked is answered. */
function possible(state: State, { is }: Event): boolean {
  const asked = pending(state)?.do
  if (is === 'issued') return asked === 'register' || asked === 'rotate'
  if (is === 'authenticated') return asked === 'authenticate'
  if (is === 'refused') return asked !== undefined
  return true
}

/** Names of the credentials that are in use or were issued to be; what they replaced does not count. */
function issued(state: State): string[] {
  if (state.at === 'unboarded') return []
  const own = [
    'active' in state ? state.active : undefined,
    'candidate' in state ? state.candidate : undefined,
  ]
  const names = own.flatMap((held) => (held && 'secret' in held.proof ? [held.proof.secret] : []))
  return state.at === 'onboarding' ? [...names, ...issued(state.before)] : names
}

/** What the hub has ended by issuing a credential for a newer initial access token. */
const superseded = (state: State): string[] =>
  state.at === 'onboarding' && state.candidate ? issued(state.before) : []

test('no credential is dropped unless another has authenticated', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let state: State = { at: 'unboarded' }
      for (const next of events) {
        if (!possible(state, next)) continue
        const before = state
        state = step(state, next)
        const dropped = issued(before).filter((held) => !issued(state).includes(held))
        if (next.is !== 'authenticated') expect(superseded(before)).toEqual(expect.arrayContaining(dropped))
      }
    }),
    { numRuns: 500 },
  )
})

test('whatever has happened, refusals alone lead to rest, and a box that belonged to an agent still does', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let state: State = { at: 'unboarded' }
      for (const next of events) if (possible(state, next)) state = step(state, next)
      const belonged = holding(state) !== undefined
      for (let asked = 0; pending(state); asked++) {
        expect(asked).toBeLessThan(events.length * 4 + 8)
        state = step(state, { is: 'refused', reason: 'status 401' })
      }
      expect(holding(state) !== undefined).toBe(belonged || state.at === 'needs-onboarding')
    }),
    { numRuns: 500 },
  )
})

function walk(state: State, ...events: Event[]): State {
  return events.reduce(step, state)
}

const authenticated: Event = { is: 'authenticated', now: 1 }
const refused: Event = { is: 'refused', reason: 'status 401' }
const boarding: Event = { is: 'boarding', home: home('a'), iat: 'a', attempt: attempt('first', true) }
const onboarded = walk(
  { at: 'unboarded' },
  boarding,
  { is: 'issued', credential: credential('one') },
  authenticated,
)

test('what the hub issued is in use once it has authenticated; the one before stays as previous', () => {
  const candidate = walk(
    onboarded,
    { is: 'rotationDue', attempt: attempt('second', true) },
    { is: 'issued', credential: credential('two') },
  )
  expect(candidate).toMatchObject({ at: 'rotating', active: credential('one') })
  expect(pending(candidate)).toMatchObject({ do: 'authenticate', proof: { secret: 'two' } })
  expect(walk(candidate, authenticated)).toEqual({
    at: 'onboarded',
    home: home('a'),
    active: credential('two'),
    previous: credential('one'),
    onboardedAt: 1,
    rotatedAt: 1,
  })
})

test('a box becomes another agent once that one has authenticated and the former is set aside', () => {
  const other: Event = {
    is: 'boarding',
    home: { ...home('b'), agentId: 'lathe' },
    iat: 'b',
    attempt: attempt('of lathe', false),
    archive: 'aside',
  }
  const candidate = walk(onboarded, other, { is: 'issued', credential: credential('lathe') })
  expect(holding(candidate)).toEqual(onboarded)
  expect(walk(candidate, refused)).toEqual(onboarded)
  const between = walk(candidate, { is: 'authenticated', now: 2 })
  expect(holding(between)).toBeUndefined()
  expect(pending(between)).toEqual({ do: 'archive', archive: 'aside', former: onboarded })
  expect(walk(between, { is: 'archived' })).toEqual({
    at: 'onboarded',
    home: other.home,
    active: credential('lathe'),
    onboardedAt: 2,
  })
})

test('after a refused rotation the pending key, the active and the previous credential are tried in turn', () => {
  const twice = walk(
    onboarded,
    { is: 'rotationDue', attempt: attempt('second', true) },
    { is: 'issued', credential: credential('two') },
    authenticated,
    { is: 'rotationDue', attempt: attempt('third', true) },
  )
  expect(pending(twice)).toMatchObject({ do: 'rotate', credential: credential('two') })
  expect(pending(walk(twice, refused))).toMatchObject({ proof: { key: key('third') } })
  expect(pending(walk(twice, refused, refused))).toMatchObject({ proof: { secret: 'two' } })
  expect(pending(walk(twice, refused, refused, refused))).toMatchObject({ proof: { secret: 'one' } })
  expect(walk(twice, refused, refused, refused, authenticated)).toMatchObject({
    at: 'onboarded',
    active: credential('one'),
    previous: credential('two'),
  })
  const nothing = walk(twice, refused, refused, refused, refused)
  expect(nothing).toMatchObject({ at: 'needs-onboarding', reason: 'status 401' })
  expect(pending(walk(nothing, { is: 'rotationDue', attempt: attempt('fourth', true) }))).toMatchObject({
    do: 'rotate',
    attempt: attempt('third', true), // the hub may have registered this key
  })
})

test('an initial access token is never sent with a second request', () => {
  const again = walk({ at: 'unboarded' }, boarding, { ...boarding, attempt: attempt('another', true) })
  expect(pending(again)).toMatchObject({ do: 'register', attempt: attempt('first', true) })
})

test('late and repeated answers change nothing', () => {
  for (const late of [authenticated, refused, { is: 'issued', credential: credential('late') } as const])
    expect(step(onboarded, late)).toBe(onboarded)
})
