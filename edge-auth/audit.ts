import type { Logger } from '../core/log.ts'
import type { EndReason, Session } from './store/index.ts'

/** Where a person or program came from. */
export interface Sender {
  address: string | undefined
  userAgent: string | undefined
}

export type SignInMethod = 'page' | 'direct'
type FailedSignIn = Sender & {
  /** Only when there is such a user: people type passwords into the wrong field. */
  user: string | undefined
  method: SignInMethod
  reason: 'unknown_user' | 'wrong_password' | 'user_disabled' | 'user_changed_meanwhile'
}

/** Security events; every one passes here, with a constant message and fields. */
export interface Audit {
  signedIn(session: Session, method: SignInMethod): void
  signInFailed(attempt: FailedSignIn): void
  sessionEnded(session: Session, reason: EndReason): void
  userAdded(user: string, roles: readonly string[]): void
  userChanged(user: string, change: EndReason | 'user_enabled'): void
  appSecretIssued(clientId: string, version: string): void
  appRemoved(clientId: string, version: string | undefined): void
}

export function createAudit(log: Logger): Audit {
  const of = ({ id, user, address, userAgent }: Session) => ({ session: id, user, address, userAgent })
  return {
    signedIn: (session, method) => log.info({ ...of(session), method }, 'signed in'),
    signInFailed: (attempt) => log.warn(attempt, 'sign-in failed'),
    sessionEnded: (session, reason) =>
      log.info({ ...of(session), reason }, reason === 'signed_out' ? 'signed out' : 'session ended'),
    userAdded: (user, roles) => log.info({ user, roles }, 'user added'),
    userChanged: (user, change) => log.info({ user, change }, 'user changed'),
    appSecretIssued: (clientId, version) => log.info({ clientId, version }, 'app secret issued'),
    appRemoved: (clientId, version) => log.info({ clientId, version }, 'app removed'),
  }
}
