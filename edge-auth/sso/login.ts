import {
  AuthorizationResponseError,
  buildAuthorizationUrl,
  ClientError,
  type Configuration,
  calculatePKCECodeChallenge,
  ResponseBodyError,
} from 'openid-client'
import type { Clock } from '../../core/clock.ts'
import { Conflict, EdgeError, NotFound } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import type { Audit, Sender } from '../audit/audit.ts'
import type { Opened, Sessions } from '../sessions/sessions.ts'
import type { KnownAddress, User } from '../store/index.ts'
import type { Due } from '../totp/second-factors.ts'
import type { Users } from '../users/users.ts'
import type { Accounts, Settled } from './accounts.ts'
import type { OpenClient } from './client.ts'
import type { Provider, Providers } from './providers.ts'
import type { Sealing } from './sealing.ts'
import type { VerifySignature } from './signatures.ts'
import { fillIn } from './templates.ts'
import { exchangeCode, type Received, toldOf } from './tokens.ts'

/** What the browser keeps while somebody signs in elsewhere. */
interface Pending {
  provider: string
  state: string
  nonce: string
  verifier: string
  redirectUri: string
  rd: string | undefined
  /** Session to whose user the account is to be linked. */
  link: string | undefined
  /** Monotonic. */
  endsAt: number
}

export interface Beginning {
  provider: string
  /** Where the browser has found this box. */
  origin: string
  rd: string | undefined
  link?: string | undefined
}

export type Outcome =
  /** The provider is believed, and this box asks for more: `open` comes after it. */
  | { is: 'second_factor'; due: Due; user: User; open: OpenSession; rd: string | undefined }
  | { is: 'signed_in'; token: string; rd: string | undefined }
  | { is: 'linked' }
  | { is: 'refused'; reason: SsoRefusal; rd: string | undefined; provider: string }

type OpenSession = (from?: KnownAddress) => Promise<Opened | undefined>

export type SsoRefusal =
  | 'expired'
  | 'no_access'
  | 'name_taken'
  | 'no_name'
  | 'user_disabled'
  | 'linked_already'
  | 'unreachable'
  | 'failed'

/** Signing in elsewhere: authorization code with PKCE, state and nonce. */
export interface SsoLogin {
  /** Where to send the browser, and what it is to keep. Throws `NotFound`, and as `OpenClient`. */
  begin(beginning: Beginning): Promise<{ url: URL; state: string; sealed: string }>
  /** The browser comes back. `session`: the one that it has now. */
  finish(back: Back): Promise<Outcome>
}

export interface Back {
  /** From the path. */
  provider: string
  search: string
  /** What the browser kept for this state. */
  sealed: string | undefined
  session: string | undefined
  sender: Sender
  requestId: string
}

export interface SsoLoginDeps {
  providers: Providers
  openClient: OpenClient
  verify: VerifySignature
  accounts: Accounts
  users: Users
  sessions: Sessions
  sealing: Sealing
  audit: Audit
  clock: Clock
  random: Random
  log: Logger
  /** Whether claims are kept in the audit: they are personal data. */
  tellsClaims(): boolean
  /** Which second factor is missing for who has signed in elsewhere. */
  secondFactorDue(user: User): Due | undefined
}

export const pendingMs = 600_000

export function createSsoLogin(deps: SsoLoginDeps): SsoLogin {
  const { providers, openClient, accounts, users, sessions, sealing, audit, clock, random, log } = deps

  const open = (sealed: string | undefined, provider: string, state: string | null): Pending | undefined => {
    const pending = sealed === undefined ? undefined : (sealing.open(sealed) as Pending | undefined)
    if (!pending || pending.provider !== provider || pending.state !== state) return undefined
    return clock.monotonic() < pending.endsAt ? pending : undefined
  }

  const receive = async (provider: Provider, pending: Pending, search: string): Promise<Received> => {
    const { redirectUri, state, nonce, verifier } = pending
    const client = await openClient(provider)
    const url = new URL(redirectUri + search)
    return exchangeCode({ client, provider, url, state, nonce, verifier }, deps.verify)
  }

  const signIn = (
    provider: Provider,
    received: Received,
    settled: Settled & { is: 'user' },
    { sender }: Back,
    from: KnownAddress | undefined,
  ): Promise<Opened | undefined> => {
    const { user } = settled
    const { subject, sid = null, idToken, text } = received
    const { name } = provider.settings
    return sessions.open({
      ...{
        user,
        method: 'sso',
        sender,
        from,
        allowed: () => users.find(user.name) === user && users.active(user),
      },
      sso: {
        known: { provider: name, ...subject, sid, idToken },
        entries: (session) => [
          audit.ssoSignedIn(session, name, subject.subject),
          ...(deps.tellsClaims() ? [audit.ssoClaims(user.name, name, toldOf(text))] : []),
        ],
      },
    })
  }

  const link = async (received: Received, pending: Pending, back: Back): Promise<Outcome | SsoRefusal> => {
    const user = sessions.list().find(({ id }) => id === pending.link)?.user
    if (user === undefined || back.session !== pending.link) return 'expired'
    try {
      await accounts.link(received.subject, user)
      return { is: 'linked' }
    } catch (error) {
      if (error instanceof Conflict) return 'linked_already'
      throw error
    }
  }

  const settle = async (provider: Provider, pending: Pending, back: Back): Promise<Outcome | SsoRefusal> => {
    const received = await receive(provider, pending, back.search)
    if (pending.link !== undefined) return link(received, pending, back)
    const settled = await accounts.settle(provider.settings, received.subject, received.claims)
    if (settled.is === 'user') {
      const { user } = settled
      const rd = pending.rd ?? settled.defaultApp
      const open: OpenSession = (from) => signIn(provider, received, settled, back, from)
      const due = deps.secondFactorDue(user)
      if (due !== undefined) return { is: 'second_factor', due, user, open, rd }
      const opened = await open()
      return opened ? { is: 'signed_in', token: opened.token, rd } : 'failed'
    }
    if (deps.tellsClaims()) audit.ssoClaimsRefused(provider.settings.name, toldOf(received.text))
    return settled.is === 'disabled' ? 'user_disabled' : settled.is
  }

  return {
    async begin({ provider: name, origin, rd, link }) {
      const provider = providers.get(name)
      const { settings } = provider
      const client = await openClient(provider, 'to send somebody')
      const redirectUri = settings.redirectUri ?? `${origin}${callbackPath(name)}`
      const [state, nonce, verifier] = [randomSecret(random), randomSecret(random), randomSecret(random)]
      const endsAt = clock.monotonic() + pendingMs
      const pending: Pending = { provider: name, state, nonce, verifier, redirectUri, rd, link, endsAt }
      const url = await authorizationUrl(client, provider, pending)
      return { url, state, sealed: sealing.seal(pending) }
    },
    async finish(back) {
      const pending = open(back.sealed, back.provider, new URLSearchParams(back.search).get('state'))
      const provider = pending && providers.find(pending.provider)
      const refuse = (reason: SsoRefusal): Outcome => {
        const { sender, requestId } = back
        const detail = { provider: back.provider }
        audit.ssoSignInFailed({ ...sender, requestId, reason: `sso_${reason}`, detail })
        return { is: 'refused', reason, rd: pending?.rd, provider: back.provider }
      }
      if (!pending || !provider) return refuse('expired')
      try {
        const outcome = await settle(provider, pending, back)
        return typeof outcome === 'string' ? refuse(outcome) : outcome
      } catch (error) {
        const reason = reasonOf(error)
        if (reason === undefined) throw error
        log.warn({ reason, provider: back.provider, cause: causeOf(error) }, 'single sign-on failed')
        return refuse(reason)
      }
    },
  }
}

const callbackPath = (provider: string): string => `/device/edge/auth/sso/callback/${provider}`

/** What is ours stands last: no further parameter replaces it. */
async function authorizationUrl(
  client: Configuration,
  { settings }: Provider,
  { state, nonce, verifier, redirectUri }: Pending,
): Promise<URL> {
  const { authorizationParams, clientId, scope } = settings
  const further = Object.entries(authorizationParams).map(([name, value]) => [
    name,
    fillIn(value, { clientId, redirectUri }),
  ])
  return buildAuthorizationUrl(client, {
    ...Object.fromEntries(further),
    ...{ redirect_uri: redirectUri, scope, state, nonce, response_type: 'code' },
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
}

/** The library wraps what our way of asking throws. */
export function causeOf(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof EdgeError) return { code: cause.code, message: cause.message }
  return error instanceof Error ? { name: error.name, message: error.message } : undefined
}

const codesOfAway = ['unreachable', 'address_refused', 'provider_misbehaves']

/** Undefined for a bug. */
export function reasonOf(error: unknown): 'unreachable' | 'no_access' | 'failed' | undefined {
  if (error instanceof NotFound) return 'failed'
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof EdgeError) return codesOfAway.includes(cause.code) ? 'unreachable' : 'failed'
  if (error instanceof AuthorizationResponseError)
    return error.error === 'access_denied' ? 'no_access' : 'failed'
  if (error instanceof ResponseBodyError || error instanceof ClientError) return 'failed'
  return error instanceof Error && error.name === 'WWWAuthenticateChallengeError' ? 'failed' : undefined
}
