import type { AuditEntry, AuditType, Session, SsoLink } from '../store/index.ts'

type What = Omit<AuditEntry, 'type' | 'deviceTime' | 'serverTime'>
type Describe = (type: AuditType, what?: What) => AuditEntry

/** What happens by way of an identity provider. */
export interface SsoEntries {
  ssoSignedIn(session: Session, provider: string, subject: string): AuditEntry
  ssoSignedOut(session: Pick<Session, 'id' | 'user'>, provider: string, by: 'user' | 'provider'): AuditEntry
  /** The claims as they came, header and payload; never the signature. */
  ssoClaims(user: string | undefined, provider: string, claims: string): AuditEntry
  ssoProviderChanged(name: string, change: 'added' | 'updated' | 'deleted', detail?: object): AuditEntry
  ssoLinkChanged(
    link: Pick<SsoLink, 'issuer' | 'subject' | 'user'>,
    change: 'linked' | 'unlinked',
  ): AuditEntry
}

export const ssoEntries = (describe: Describe): SsoEntries => ({
  ssoSignedIn: ({ id, user, address, userAgent }, provider, subject) =>
    describe('sso_login', {
      ...{ session: id, user, address: address ?? undefined, userAgent: userAgent ?? undefined },
      detail: { provider, subject },
    }),
  ssoSignedOut: ({ id, user }, provider, by) =>
    describe('sso_logout', { session: id, user, detail: { provider, by } }),
  ssoClaims: (user, provider, claims) => describe('sso_claims', { user, detail: { provider, claims } }),
  ssoProviderChanged: (provider, change, detail = {}) =>
    describe(`auth_configuration_${change}`, { detail: { provider, ...detail } }),
  ssoLinkChanged: ({ issuer, subject, user }, change) =>
    describe('user_changed', { user, reason: change, detail: { issuer, subject } }),
})

/** What changed nothing. */
export interface SsoNotes {
  ssoSignInFailed(refused: What): void
  ssoSignOutFailed(refused: What): void
  ssoClaimsRefused(provider: string, claims: string): void
}

export const ssoNotes = (describe: Describe, add: (entry: AuditEntry) => void): SsoNotes => ({
  ssoSignInFailed: (refused) =>
    add(describe('login_failed', { ...refused, detail: { ...refused.detail, method: 'sso' } })),
  ssoSignOutFailed: (refused) => add(describe('sso_logout_failed', refused)),
  ssoClaimsRefused: (provider, claims) => add(describe('sso_claims', { detail: { provider, claims } })),
})
