import { EdgeError } from '../../core/errors.ts'
import type { Audit, EndedBy, Sender } from '../audit/audit.ts'
import type { Store } from '../store/index.ts'
import { issuer, type TechnicalClaims } from '../tokens/claims.ts'
import type { Tokens } from '../tokens/tokens.ts'
import { allScopesOf } from './access.ts'
import type { Apps, Client } from './apps.ts'
import { introspectAll } from './grants.ts'

/** What an app asks for. */
export interface TokenWish {
  /** The apps that it is for; this box when none is named. */
  audience: readonly string[]
  /** All that the app may have, unless it names some. */
  scope: readonly string[] | undefined
}

/**
 * Tokens of the apps themselves, for no person. None of them is kept: one is good until its end while
 * the credential stands that it was given for, unless it was revoked.
 */
export interface TechnicalTokens {
  /** Throws `InvalidScope`, `InvalidTarget`. */
  issue(client: Client, wish: TokenWish, sender: Sender): Promise<{ token: string; claims: TechnicalClaims }>
  /** Whose token it is; undefined when it is not good now. */
  owner(claims: TechnicalClaims): Client | undefined
  /** Why it is not good, for the audit. */
  whyNot(claims: TechnicalClaims): string
  /** Whether the client may learn of the token: its own, one meant for it, or granted all. */
  mayIntrospect(client: Client | undefined, claims: TechnicalClaims): boolean
  /** When this resolves, it is on disk and the token is not good. */
  revoke(claims: TechnicalClaims, by: EndedBy): Promise<void>
  onRevocation(listener: (claims: TechnicalClaims) => void): void
}

export class InvalidScope extends EdgeError {
  override readonly name = 'InvalidScope'
  readonly code = 'invalid_scope'
  override readonly statusCode = 400
}

/** RFC 8707. */
export class InvalidTarget extends EdgeError {
  override readonly name = 'InvalidTarget'
  readonly code = 'invalid_target'
  override readonly statusCode = 400
}

export interface TechnicalTokensDeps {
  store: Store
  apps: Apps
  tokens: Tokens
  audit: Audit
  sessionTime(): number
  boxEpoch(): string
}

export function createTechnicalTokens(deps: TechnicalTokensDeps): TechnicalTokens {
  const { store, apps, tokens, audit, sessionTime, boxEpoch } = deps
  /** jti → when it is over in any case. */
  const revoked = new Map(store.contents.revokedTokens.map(({ jti, endsAt }) => [jti, endsAt]))

  const listeners: ((claims: TechnicalClaims) => void)[] = []

  const forgetOver = (now: number): void => {
    for (const [jti, endsAt] of revoked) if (endsAt <= now) revoked.delete(jti)
  }
  const owner = (claims: TechnicalClaims): Client | undefined => {
    const { client_id, credential, jti, ends, epoch } = claims
    if (sessionTime() >= ends || epoch !== boxEpoch() || revoked.has(jti)) return undefined
    return apps.byCredential(client_id, credential)
  }

  return {
    async issue({ app, version }, { audience, scope = allScopesOf(app) }, sender) {
      const beyond = scope.filter((one) => !allScopesOf(app).includes(one))
      if (beyond.length > 0) throw new InvalidScope(`the app may not have ${beyond.join(' ')}`)
      const unknown = audience.filter((one) => !apps.find(one))
      if (unknown.length > 0) throw new InvalidTarget(`there is no app ${unknown.join(' ')}`)
      const { clientId } = app
      const credential = version.credentialId
      const made = await tokens.mintTechnical({ clientId, credential, epoch: boxEpoch(), audience, scope })
      audit.technicalTokenIssued({ clientId, jti: made.claims.jti, ...sender })
      return made
    },
    owner,
    whyNot({ client_id, credential, jti, ends, epoch }) {
      if (revoked.has(jti)) return 'revoked'
      if (epoch !== boxEpoch()) return 'all_sessions_ended'
      if (sessionTime() >= ends) return 'expired'
      return apps.byCredential(client_id, credential) ? 'not_for_this_client' : 'credential_ended'
    },
    mayIntrospect(client, { client_id, aud }) {
      if (!client) return false // whoever asks there says who it is
      const { clientId, grants } = client.app
      return clientId === client_id || aud.includes(clientId) || grants.includes(introspectAll)
    },
    async revoke(claims, by) {
      await store.change(async (disk) => {
        if (!owner(claims)) return
        const { jti, ends: endsAt, client_id: clientId } = claims
        const now = sessionTime()
        await disk.call('revokeToken', [audit.tokenRevoked({ ...by, clientId, jti })], { jti, endsAt }, now)
        forgetOver(now)
        revoked.set(jti, endsAt)
        for (const listener of listeners) listener(claims)
      })
    },
    onRevocation: (listener) => void listeners.push(listener),
  }
}

/** Whether a token may be used with us, and not only with another app. */
export const isForThisBox = ({ aud }: TechnicalClaims): boolean => aud.includes(issuer)
