import type { Clock } from '../../core/clock.ts'
import { type Caller, currentCaller } from '../../core/control.ts'
import type { Logger } from '../../core/log.ts'
import type { AuditEntry, AuditType, EndReason, Session, Store, User } from '../store/index.ts'

/** Where a person or program came from. */
export interface Sender {
  address: string | undefined
  userAgent: string | undefined
}

export type SignInMethod = 'page' | 'direct' | 'admin'
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
export interface Audit {
  signedIn(session: Session, method: SignInMethod): AuditEntry
  sessionEnded(session: Session, reason: EndReason, by?: EndedBy): AuditEntry
  allSessionsEnded(count: number, reason: EndReason): AuditEntry
  tokenIssued(issued: { user?: string; clientId?: string; session?: string; jti: string }): AuditEntry
  lockedOut(lockout: Sender & { user: string | undefined; scope: string; forMs: number }): AuditEntry
  userAdded(user: User): AuditEntry
  userChanged(user: User, change: string, before: User): AuditEntry
  userRemoved(user: User): AuditEntry
  unlocked(user: string): AuditEntry
  tokenRevoked(revoked: { clientId: string; jti: string } & EndedBy): AuditEntry
  keysChanged(change: string, kids: readonly string[], removed: readonly string[]): AuditEntry
  appSecretIssued(clientId: string, version: string): AuditEntry
  appKeysRegistered(clientId: string, version: string, kids: readonly string[]): AuditEntry
  appGrantsChanged(clientId: string, grants: readonly string[]): AuditEntry
  appRemoved(clientId: string, version: string | undefined): AuditEntry
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
  /** Who is no proxy of ours has said where a request comes from. */
  forwardedHeaderIgnored(refused: Refused): void

  /** Waits until everything noted so far is on disk. */
  flush(): Promise<void>
}

/** For who adds an event: an entry with the time it happened. */
export type Describe = (
  type: AuditType,
  what?: Omit<AuditEntry, 'type' | 'deviceTime' | 'serverTime'>,
) => AuditEntry

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
    signInFailed: ({ method, ...attempt }) =>
      notes.add(describe('login_failed', { ...attempt, detail: { method } })),
    userAgentChanged: (session, seen) =>
      notes.add(describe('user_agent_changed', { ...of(session), detail: { seen: seen ?? null } })),
    technicalTokenIssued: ({ jti, ...whose }) =>
      notes.add(describe('token_issued', { ...whose, detail: { jti } })),
    introspectionRefused: (refused) => notes.add(describe('introspection_refused', refused)),
    clientRefused: (refused) => notes.add(describe('client_refused', refused)),
    accessDenied: (refused) => notes.add(describe('access_denied', refused)),
    forwardedHeaderIgnored: (refused) => notes.add(describe('forwarded_header_ignored', refused)),
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
        ...(change === 'roles_changed' ? { detail: { before: before.roles, after: user.roles } } : {}),
      }),
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
    gateChanged: (clientId, gate) =>
      describe('app_changed', { clientId, reason: 'guard_changed', detail: { gate: gate ?? null } }),
    appRemoved: (clientId, version) =>
      describe('app_removed', { clientId, ...(version === undefined ? {} : { detail: { version } }) }),
  } satisfies Partial<Audit>
}

const flushEveryMs = 250
/** Within one interval; strangers can cause these events, and each is written to flash. */
const maxNotes = 256

/** Collects what is to be written, and writes it in one commit. */
function createNotes({ store, clock, log, describe }: AuditDeps & { describe: Describe }) {
  const stopped = new AbortController()
  let waiting: AuditEntry[] = []
  let dropped = 0
  let writing: Promise<void> = Promise.resolve()
  let timer: Promise<void> | undefined

  const write = (): Promise<void> => {
    const batch =
      dropped > 0 ? [...waiting, describe('entries_dropped', { detail: { count: dropped } })] : waiting
    waiting = []
    dropped = 0
    if (batch.length === 0) return writing
    writing = writing
      .then(() => store.note(batch))
      .catch((err) => log.error({ err, entries: batch.length }, 'audit entries lost'))
    return writing
  }
  const later = async (): Promise<void> => {
    await clock.sleep(flushEveryMs, stopped.signal).catch(() => {}) // stopped: at once
    timer = undefined
    await write()
  }

  return {
    add(entry: AuditEntry): void {
      if (waiting.length >= maxNotes) dropped++
      else waiting.push(entry)
      timer ??= later()
    },
    flush: write,
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await timer
      await write()
    },
  }
}

const messages: Record<AuditType, string> = {
  login: 'signed in',
  login_failed: 'sign-in failed',
  lockout: 'locked out',
  logout: 'signed out',
  session_ended: 'session ended',
  token_issued: 'token issued',
  token_revoked: 'token revoked',
  introspection_refused: 'introspection refused',
  client_refused: 'client refused',
  user_agent_changed: 'session used by another user agent',
  user_added: 'user added',
  user_changed: 'user changed',
  user_removed: 'user removed',
  app_secret_issued: 'app secret issued',
  app_changed: 'app changed',
  app_removed: 'app removed',
  signing_key_rotated: 'signing key rotated',
  access_denied: 'access denied',
  forwarded_header_ignored: 'forwarded header ignored',
  entries_dropped: 'audit entries dropped',
}
const alarming: readonly AuditType[] = [
  'login_failed',
  'client_refused',
  'lockout',
  'user_agent_changed',
  'entries_dropped',
]

/** The log says what the audit keeps. */
export const audited =
  (log: Logger) =>
  ({ type, detail, deviceTime: _, serverTime: __, ...fields }: AuditEntry): void =>
    log[alarming.includes(type) ? 'warn' : 'info']({ ...fields, ...detail }, messages[type])
