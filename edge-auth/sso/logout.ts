import { buildEndSessionUrl } from 'openid-client'
import Type from 'typebox'
import { Invalid } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { parser } from '../../core/schema.ts'
import type { Audit, Sender } from '../audit/audit.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SsoSession, Store } from '../store/index.ts'
import type { OpenClient } from './client.ts'
import { causeOf } from './login.ts'
import type { Metadata } from './metadata.ts'
import type { Provider, Providers } from './providers.ts'
import { TokenRefused, type VerifySignature } from './signatures.ts'
import { fillIn } from './templates.ts'
import { claimedIn } from './tokens.ts'

/** Signing out here and there: the one tells the other. */
export interface SsoLogout {
  /**
   * Where the browser is to sign out too, once the session has ended here; undefined when it was not opened
   * there, or the provider knows no such thing or cannot be reached. Never rejects.
   */
  endUrl(session: { id: string; user: string }, back: string): Promise<URL | undefined>
  /** A logout token (OpenID Connect Back-Channel Logout 1.0). When this resolves, the sessions have ended. */
  backChannel(token: string, from: From): Promise<number>
  /** Keycloak's own message for "log out all", to the administration URL of the client. */
  keycloak(provider: string, token: string, from: From): Promise<number>
}

interface From {
  sender: Sender
  requestId: string
}

export interface SsoLogoutDeps {
  store: Store
  providers: Providers
  openClient: OpenClient
  metadata: Metadata
  verify: VerifySignature
  sessions: Sessions
  audit: Audit
  log: Logger
  /** Epoch milliseconds, proven where they are. */
  now(): number
}

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
const parseLogout = parser(
  Type.Object({
    iat: Type.Number(),
    jti: Type.String({ minLength: 1, maxLength: 256 }),
    events: Type.Object({ [logoutEvent]: Type.Object({}) }),
    sub: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    sid: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    nonce: Type.Optional(Type.Never()),
  }),
)
const parseKeycloak = parser(
  Type.Object({
    id: Type.String({ minLength: 1, maxLength: 256 }),
    action: Type.Literal('LOGOUT'),
    resource: Type.String(),
    expiration: Type.Number(),
    keycloakSessionIds: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.String())])),
    adapterSessionIds: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.String())])),
  }),
)

/** An older logout token is none any more. */
const freshForMs = 120_000
/** A replay after a change of the clock is still one. */
const rememberedForMs = 86_400_000

export function createSsoLogout(deps: SsoLogoutDeps): SsoLogout {
  const { store, providers, openClient, metadata, verify, sessions, audit, log, now } = deps

  const refuseSeen = async (issuer: string, jti: string): Promise<void> => {
    if (await store.ssoMessageSeen(issuer, jti)) throw new TokenRefused('this token was used before')
  }

  /** The sessions end first: who is told that a message was heard can rely on it. */
  const end = async (
    provider: Provider,
    jti: string,
    ended: readonly SsoSession[],
    from: From,
  ): Promise<number> => {
    const { name, issuer } = provider.settings
    const users = new Map(sessions.list().map(({ id, user }) => [id, user]))
    let count = 0
    for (const { session: id } of ended) {
      const by = { ...from.sender, requestId: from.requestId }
      count += await sessions.end({ id }, 'signed_out_elsewhere', by)
    }
    const entries = ended.flatMap(({ session: id }) => {
      const user = users.get(id)
      return user === undefined ? [] : [audit.ssoSignedOut({ id, user }, name, 'provider')]
    })
    await store.change((disk) =>
      disk.call('noteSsoMessage', entries, { issuer, jti, seenAt: now() }, now() - rememberedForMs),
    )
    return count
  }

  const audited = async (what: () => Promise<number>, { sender, requestId }: From, provider?: string) => {
    try {
      return await what()
    } catch (error) {
      const reason = error instanceof TokenRefused ? error.message : 'provider_unreachable'
      audit.ssoSignOutFailed({ ...sender, requestId, reason, detail: { provider: provider ?? null } })
      throw error instanceof Invalid ? new TokenRefused(error.message) : error
    }
  }

  const hear = async (token: string, from: From): Promise<number> => {
    const { iss, aud } = claimedIn(token)
    const provider = providers
      .byIssuer(String(iss))
      .find(({ settings }) => [aud].flat().includes(settings.clientId))
    if (!provider) throw new TokenRefused('the token is of no provider of this box')
    const { settings } = provider
    const expected = { audience: settings.clientId, type: 'logout+jwt', expires: false }
    const { claims } = await verify(token, settings, await metadata(settings), expected)
    if ('nonce' in claims) throw new TokenRefused('a logout token has no nonce')
    const { iat, jti, sub, sid } = parseLogout(claims, 'logout token')
    if (sub === undefined && sid === undefined) throw new TokenRefused('the token names neither sub nor sid')
    const age = now() - iat * 1000
    if (age > freshForMs || age < -settings.clockToleranceSeconds * 1000 - 1000)
      throw new TokenRefused('the token is not of now (iat)')
    await refuseSeen(settings.issuer, jti)
    const open = await store.ssoSessions(settings.name)
    const meant = open.filter(
      (one) =>
        one.issuer === settings.issuer &&
        (sid === undefined || one.sid === sid) &&
        (sub === undefined || one.subject === sub),
    )
    return end(provider, jti, meant, from)
  }

  return {
    async endUrl({ id, user }, back) {
      const known = await store.ssoSession(id)
      const provider = known && providers.find(known.provider)
      if (!known || !provider) return undefined
      const { name, clientId, logoutParams } = provider.settings
      try {
        const client = await openClient(provider, 'to send somebody')
        await store.note([audit.ssoSignedOut({ id, user }, name, 'user')])
        if (client.serverMetadata().end_session_endpoint === undefined) return undefined
        const values = { clientId, idToken: known.idToken, postLogoutRedirectUri: back }
        const further = Object.entries(logoutParams).map(([key, value]) => [key, fillIn(value, values)])
        return buildEndSessionUrl(client, {
          ...Object.fromEntries(further),
          ...{ id_token_hint: known.idToken, post_logout_redirect_uri: back },
        })
      } catch (error) {
        log.warn({ provider: name, cause: causeOf(error) }, 'signing out at the provider is not possible')
        audit.ssoSignOutFailed({ user, reason: 'provider_unreachable', detail: { provider: name } })
        return undefined
      }
    },
    backChannel: (token, from) => audited(() => hear(token, from), from),
    keycloak: (name, token, from) =>
      audited(
        async () => {
          const provider = providers.find(name)
          if (provider?.settings.template !== 'keycloak') throw new TokenRefused('there is no such provider')
          const { settings } = provider
          const expected = { audience: undefined, expires: false, issuer: false }
          const { claims } = await verify(token, settings, await metadata(settings), expected)
          const message = parseKeycloak(claims, 'message of Keycloak')
          if (message.resource !== settings.clientId)
            throw new TokenRefused('the message is for another client')
          if (message.expiration * 1000 < now()) throw new TokenRefused('the message has expired')
          await refuseSeen(settings.issuer, message.id)
          const open = await store.ssoSessions(name)
          const ids = message.keycloakSessionIds ?? undefined
          const meant = ids ? open.filter(({ sid }) => sid !== null && ids.includes(sid)) : open
          return end(provider, message.id, meant, from)
        },
        from,
        name,
      ),
  }
}
