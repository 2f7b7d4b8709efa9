import { hash } from 'node:crypto'
import { fetchUserInfo, tokenIntrospection } from 'openid-client'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Identify, Identity, Seen } from '../sessions/identify.ts'
import type { User } from '../store/index.ts'
import type { Due } from '../totp/second-factors.ts'
import type { Users } from '../users/users.ts'
import type { Accounts } from './accounts.ts'
import type { OpenClient } from './client.ts'
import { causeOf } from './login.ts'
import type { Access } from './mapping.ts'
import type { Metadata } from './metadata.ts'
import type { Provider, Providers } from './providers.ts'
import { TokenRefused, type VerifySignature } from './signatures.ts'
import { claimedIn, subjectOf } from './tokens.ts'

/**
 * Access tokens of a provider that stand for a person here, where that is switched on: signed by it, for our
 * audience, and not older confirmed by it than the provider's settings say. Whoever is linked, with the roles
 * that the rules give; nobody is made a user by one.
 */
export interface ExternalTokens {
  /** Whether there is a provider whose tokens are taken. */
  enabled(): boolean
  identify(token: string): Promise<Identity | undefined>
}

export interface ExternalTokensDeps {
  providers: Providers
  openClient: OpenClient
  metadata: Metadata
  verify: VerifySignature
  accounts: Accounts
  users: Users
  clock: Clock
  log: Logger
  now(): number
  /** Which second factor is missing for who has signed in elsewhere: a token brings none. */
  secondFactorDue(user: User): Due | undefined
}

/** What was found out about a token. */
interface Known {
  readonly provider: Provider
  /** Monotonic. */
  readonly confirmedAt: number
  /** Epoch milliseconds. */
  readonly endsAt: number
  readonly link: { readonly user: string; readonly access: Access } | undefined
  identity?: Identity
}

const maxKnown = 1_024

export function createExternalTokens(deps: ExternalTokensDeps): ExternalTokens {
  const { providers, openClient, metadata, verify, accounts, users, clock, log, now } = deps
  const known = new Map<string, Known>()

  /** Undefined: none of ours to judge. */
  const providerOf = (token: string): Provider | undefined => {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined
    const { iss } = claimedIn(token)
    return providers.byIssuer(String(iss)).find(({ settings }) => settings.externalTokens !== undefined)
  }

  const confirm = async (provider: Provider, token: string, subject: string): Promise<void> => {
    const client = await openClient(provider)
    if (provider.settings.externalTokens?.check === 'userinfo') {
      await fetchUserInfo(client, token, subject) // throws for another subject
      return
    }
    const { active } = await tokenIntrospection(client, token, { token_type_hint: 'access_token' })
    if (!active) throw new TokenRefused('the provider no longer stands by the token')
  }

  const examine = async (provider: Provider, token: string): Promise<Known> => {
    const { settings } = provider
    const verified = await verify(token, settings, await metadata(settings), { audience: settings.audience })
    const subject = subjectOf(settings.issuer, verified)
    await confirm(provider, token, subject.subject)
    const link = await accounts.find(subject)
    const access = accounts.access(settings, verified.claims)
    return {
      ...{ provider, confirmedAt: clock.monotonic(), endsAt: (verified.claims.exp ?? 0) * 1000 },
      link: link && access && { user: link.user, access },
    }
  }

  const isFresh = ({ provider, confirmedAt, endsAt }: Known): boolean => {
    const everyMs = (provider.settings.externalTokens?.everySeconds ?? 0) * 1000
    const unchanged = providers.find(provider.settings.name) === provider
    return unchanged && clock.monotonic() - confirmedAt < everyMs && now() < endsAt
  }

  const remember = (key: string, one: Known): Known => {
    known.delete(key)
    known.set(key, one)
    for (const oldest of known.keys()) if (known.size > maxKnown) known.delete(oldest)
    return one
  }

  return {
    enabled: () => providers.list().some(({ settings }) => settings.externalTokens !== undefined),
    async identify(token) {
      const provider = providerOf(token)
      if (!provider) return undefined
      const key = hash('sha256', token, 'base64url')
      const before = known.get(key)
      try {
        const found = before && isFresh(before) ? before : remember(key, await examine(provider, token))
        const user = found.link && users.find(found.link.user)
        if (!found.link || !user || !users.active(user)) return undefined
        if (deps.secondFactorDue(user) !== undefined) return undefined
        if (found.identity?.user.epoch !== user.epoch) found.identity = identityOf(found, key, user)
        return found.identity
      } catch (error) {
        known.delete(key)
        log.info({ provider: provider.settings.name, cause: causeOf(error) }, 'external token refused')
        return undefined
      }
    },
  }
}

/** It has no session here: what lives by one, such as a renewal, finds none. */
function identityOf({ link, endsAt, confirmedAt }: Known, key: string, user: User): Identity {
  const id = `external:${key}`
  const seconds = Math.floor(endsAt / 1000)
  return {
    user: { ...user, ...link?.access },
    session: {
      ...{ id, user: user.name, userEpoch: user.epoch, boxEpoch: '', createdAt: endsAt, endsAt: confirmedAt },
      ...{ address: null, userAgent: null },
    },
    token: { jti: id, session: id, mintedAt: confirmedAt, endsAt: confirmedAt },
    claims: {
      ...{ aud: [''], client_id: 'authsdk', iss: 'urn:industrial.edge.device', jti: id, scp: ['openid'] },
      ...{ sub: user.name, exp: seconds, iat: seconds, nbf: seconds, roles: link?.access.roles ?? [] },
    } as Identity['claims'],
  }
}

/** A provider's tokens go before our own, where they are taken at all. */
export const alsoExternal = (identify: Identify, external: ExternalTokens): Identify =>
  Object.assign(
    async (text: string | undefined, seen?: Seen) => {
      const outside = text !== undefined && external.enabled() ? await external.identify(text) : undefined
      return outside ?? identify(text, seen)
    },
    { byRead: identify.byRead },
  )
