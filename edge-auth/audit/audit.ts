import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { type Caller, currentCaller } from '../../core/control.ts'
import type { Logger } from '../../core/log.ts'
import type { AuditEntry, CustomRole, EndReason, Option, Session, Store, User } from '../store/index.ts'
import type { Describe, Sender } from './entry.ts'
import { type FactorEntries, type FactorNotes, factorEntries, factorNotes } from './factor-entries.ts'
import { type KeepingEntries, keepingEntries } from './keeping-entries.ts'
import { createNotes } from './notes.ts'
import { type SsoEntries, type SsoNotes, ssoEntries, ssoNotes } from './sso-entries.ts'

export type { Sender } from './entry.ts'

export type SignInMethod = 'page' | 'direct' | 'admin' | 'sso' | 'basic' | 'break_glass'
type FailedSignIn = Sender & {
  /** Only when there is such a user: people type passwords into the wrong field. */
  user: string | undefined
  method: SignInMethod
  reason:
    | 'unknown_user'
    | 'wrong_password'
    | 'wrong_code'
    | 'user_disabled'
    | 'user_changed_meanwhile'
    | 'password_expired'
    | 'second_factor_missing'
}
export interface RemoteCommand {
  readonly kind: string
  readonly state: string
  readonly askedBy: string
}

/** What ended a session, beside the reason. */
export type EndedBy = Pick<AuditEntry, 'clientId' | 'requestId' | 'address' | 'userAgent'>

/** Said to nobody but the audit: why, and under which request id. */
export type Refused = Pick<
  AuditEntry,
  'reason' | 'user' | 'clientId' | 'requestId' | 'address' | 'userAgent' | 'detail'
>

/**
 * Security events, one function each. Those that return an entry belong to a change: give the entry to
 * the change's disk method, which writes both or neither. The others changed nothing: they are written
 * within a moment, and counted where there are too many.
 */
export interface Audit extends SsoEntries, SsoNotes, KeepingEntries, FactorEntries, FactorNotes {
  signedIn(session: Session, method: SignInMethod): AuditEntry
  sessionEnded(session: Session, reason: EndReason, by?: EndedBy): AuditEntry
  allSessionsEnded(count: number, reason: EndReason): AuditEntry
  tokenIssued(issued: { user?: string; clientId?: string; session?: string; jti: string }): AuditEntry
  lockedOut(lockout: Sender & { user: string | undefined; scope: string; forMs: number }): AuditEntry
  userAdded(user: User): AuditEntry
  userChanged(user: User, change: string, before: User): AuditEntry
  userRemoved(user: User): AuditEntry
  unlocked(user: string): AuditEntry
  /** A code that opens the choice of a new password; never the code. */
  resetCodeMade(user: string): AuditEntry
  roleChanged(name: string, reason: 'added' | 'changed' | 'removed', role?: CustomRole): AuditEntry
  appGroupChanged(name: string, reason: 'added' | 'changed' | 'removed', apps?: readonly string[]): AuditEntry
  serviceAccess(user: string, reason: 'opened' | 'closed' | 'ended', detail?: object): AuditEntry
  tokenRevoked(revoked: { clientId: string; jti: string } & EndedBy): AuditEntry
  keysChanged(change: string, kids: readonly string[], removed: readonly string[]): AuditEntry
  appSecretIssued(clientId: string, version: string): AuditEntry
  appKeysRegistered(clientId: string, version: string, kids: readonly string[]): AuditEntry
  appGrantsChanged(clientId: string, grants: readonly string[]): AuditEntry
  appRemoved(clientId: string, version: string | undefined): AuditEntry
  /** The overlap with the new one is over. */
  appSecretEnded(clientId: string, version: string): AuditEntry
  appSettingsChanged(clientId: string, changed: Readonly<Record<string, unknown>>): AuditEntry
  /** One without the other: made, or removed. The values are told where they are no secret. */
  optionChanged(before: Option | undefined, after: Option | undefined, withValues: boolean): AuditEntry
  /** Null: with no app of the hub any more. */
  appLinkChanged(clientId: string, version: string, hubClientId: string | null): AuditEntry
  gateChanged(clientId: string, gate: object | undefined): AuditEntry

  signInFailed(attempt: FailedSignIn): void
  userAgentChanged(session: Session, seen: string | undefined): void
  /** A token of an app that stands for no person: nothing on disk knows of it. */
  technicalTokenIssued(issued: Pick<AuditEntry, 'clientId' | 'address' | 'userAgent'> & { jti: string }): void
  introspectionRefused(refused: Refused): void
  /** Client authentication failed; the id is what was claimed. */
  clientRefused(refused: Refused): void
  /** The guard has let nobody in; `detail` says at which target. */
  accessDenied(refused: Refused): void
  /** An administrator has seen what an app keeps for itself. */
  privateTokenShown(clientId: string, name: object): void
  /** By an administrator; what is not named stands for all. */
  privateTokensRemoved(clientId: string, removed: object): void
  appOverQuota(clientId: string, since: { slowed: number; refused: number }): void
  /** Until the process ends, or earlier. */
  logLevelChanged(change: { reason: string }): void
  /** What the hub asked of the box came to its end, which is the reason. */
  remoteCommand(command: RemoteCommand): void
  /** Who is no proxy of ours has said where a request comes from. */
  forwardedHeaderIgnored(refused: Refused): void

  /** Waits until everything noted so far is on disk. */
  flush(): Promise<void>
}

export interface AuditDeps {
  store: Pick<Store, 'note'>
  clock: Clock
  log: Logger
  /** The proven time, while there is one. */
  correctedNow?: (() => number | undefined) | undefined
}

export function createAudit({ store, clock, log, correctedNow }: AuditDeps): Audit & AsyncDisposable {
  const describe: Describe = (type, what = {}) => {
    const serverTime = correctedNow?.()
    const caller = currentCaller()
    return {
      ...(caller && actedBy(caller)),
      ...what,
      type,
      deviceTime: clock.now(),
      ...(serverTime === undefined ? {} : { serverTime: Math.round(serverTime) }),
    }
  }
  const notes = createNotes({ store, clock, log, describe })
  return {
    ...entries(describe),
    ...ssoEntries(describe),
    ...keepingEntries(describe),
    ...ssoNotes(describe, notes.add),
    ...factorEntries(describe),
    ...factorNotes(describe, notes.add),
    signInFailed: ({ method, ...attempt }) =>
      notes.add(describe('login_failed', { ...attempt, detail: { method } })),
    userAgentChanged: (session, seen) =>
      notes.add(describe('user_agent_changed', { ...of(session), detail: { seen: seen ?? null } })),
    technicalTokenIssued: ({ jti, ...whose }) =>
      notes.add(describe('token_issued', { ...whose, detail: { jti } })),
    introspectionRefused: (refused) => notes.add(describe('introspection_refused', refused)),
    clientRefused: (refused) => notes.add(describe('client_refused', refused)),
    accessDenied: (refused) => notes.add(describe('access_denied', refused)),
    appOverQuota: (clientId, since) => notes.add(describe('app_over_quota', { clientId, detail: since })),
    logLevelChanged: ({ reason, ...detail }) => notes.add(describe('log_level_changed', { reason, detail })),
    remoteCommand: ({ state, ...detail }) => notes.add(describe('remote_command', { reason: state, detail })),
    forwardedHeaderIgnored: (refused) => notes.add(describe('forwarded_header_ignored', refused)),
    privateTokenShown: (clientId, name) =>
      notes.add(describe('private_token_shown', { clientId, detail: { ...name } })),
    privateTokensRemoved: (clientId, removed) =>
      notes.add(describe('private_tokens_removed', { clientId, detail: { ...removed } })),
    flush: notes.flush,
    [Symbol.asyncDispose]: notes[Symbol.asyncDispose],
  }
}

const actedBy = ({ user, address, requestId }: Caller) => ({ actor: user ?? 'machine', address, requestId })

const of = ({ id, user, address, userAgent }: Session) => ({
  session: id,
  user,
  address: address ?? undefined,
  userAgent: userAgent ?? undefined,
})

function entries(describe: Describe) {
  return {
    signedIn: (session, method) => describe('login', { ...of(session), detail: { method } }),
    sessionEnded: (session, reason, by = {}) =>
      describe(reason === 'signed_out' ? 'logout' : 'session_ended', { ...of(session), reason, ...by }),
    allSessionsEnded: (count, reason) =>
      describe('session_ended', { reason, detail: { all: true, sessions: count } }),
    tokenIssued: ({ jti, ...whose }) => describe('token_issued', { ...whose, detail: { jti } }),
    lockedOut: ({ scope, forMs, ...whose }) => describe('lockout', { ...whose, detail: { scope, forMs } }),
    userAdded: ({ name, roles }) => describe('user_added', { user: name, detail: { roles } }),
    userChanged: (user, change, before) =>
      describe('user_changed', {
        user: user.name,
        reason: change,
        ...(change === 'roles_changed' ? { detail: rolesChanged(before, user) } : {}),
        ...(change === 'data_changed' ? { detail: { fields: fieldsChanged(before, user) } } : {}),
      }),
    resetCodeMade: (user) => describe('user_changed', { user, reason: 'reset_code_made' }),
    roleChanged: (name, reason, role) =>
      describe('role_changed', { reason, detail: { role: name, ...(role && aboutRole(role)) } }),
    appGroupChanged: (name, reason, apps) =>
      describe('app_group_changed', { reason, detail: { group: name, ...(apps && { apps }) } }),
    serviceAccess: (user, reason, detail = {}) =>
      describe('service_access', { user, reason, detail: { ...detail } }),
    unlocked: (user) => describe('user_changed', { user, reason: 'unlocked' }),
    userRemoved: ({ name, roles }) => describe('user_removed', { user: name, detail: { roles } }),
    tokenRevoked: ({ jti, ...whose }) => describe('token_revoked', { ...whose, detail: { jti } }),
    keysChanged: (change, kids, removed) =>
      describe('signing_key_rotated', { reason: change, detail: { kids, removed } }),
    appKeysRegistered: (clientId, version, kids) =>
      describe('app_changed', { clientId, reason: 'keys_registered', detail: { version, kids } }),
    appGrantsChanged: (clientId, grants) =>
      describe('app_changed', { clientId, reason: 'grants_changed', detail: { grants } }),
    appSecretIssued: (clientId, version) => describe('app_secret_issued', { clientId, detail: { version } }),
    appLinkChanged: (clientId, version, hubClientId) =>
      describe('app_changed', { clientId, reason: 'hub_link_changed', detail: { version, hubClientId } }),
    appSecretEnded: (clientId, version) =>
      describe('app_changed', { clientId, reason: 'old_secret_ended', detail: { version } }),
    appSettingsChanged: (clientId, { properties, ...changed }) => {
      const detail = { ...changed, ...(properties ? { properties: Object.keys(properties) } : {}) }
      const { enabled } = changed
      const reason = enabled === undefined ? 'settings_changed' : enabled ? 'enabled' : 'disabled'
      return describe('app_changed', { clientId, reason, detail })
    },
    gateChanged: (clientId, gate) =>
      describe('app_changed', { clientId, reason: 'guard_changed', detail: { gate: gate ?? null } }),
    appRemoved: (clientId, version) =>
      describe('app_removed', { clientId, ...(version === undefined ? {} : { detail: { version } }) }),
    optionChanged: (before, after, withValues) => {
      const { category, key } = (after ?? before) as Option
      const values = withValues ? { before: before?.value, after: after?.value } : {}
      return describe('option_changed', {
        reason: before ? (after ? 'updated' : 'deleted') : 'created',
        detail: { category, key, ...values },
      })
    },
  } satisfies Partial<Audit>
}

const aboutRole = ({ description, permissions }: CustomRole) => ({ description, permissions })

const rolesChanged = (before: User, after: User) => ({
  ...{ before: before.roles, after: after.roles },
  ...(isDeepStrictEqual(before.scopedRoles, after.scopedRoles)
    ? {}
    : { scopedBefore: before.scopedRoles, scopedAfter: after.scopedRoles }),
})

/** Names of members; what stood in them are personal data. */
const fieldsChanged = (before: User, after: User): string[] =>
  (['alias', 'profile', 'owner', 'delegatedBy', 'apps', 'mustChange', 'totpRequired'] as const).filter(
    (field) => !isDeepStrictEqual(before[field], after[field]),
  )
