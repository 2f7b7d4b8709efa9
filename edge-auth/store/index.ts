import { join } from 'node:path'
import { ensurePrivateDir } from '../../core/files.ts'
import { openThread, threadUrl } from '../../core/thread.ts'
import type { OldBy } from '../retention/rule.ts'
import type { AuditEntry, AuditHead, AuditQuery, StoredAuditEntry } from './audit.ts'
import type { Verified, VerifiedPart } from './audit-verification.ts'
import type { SsoLink, SsoSession } from './sso.ts'
import type { Changes, StoreMethods, StoreThreadData } from './thread.ts'

export type { AlarmMapping } from './alarm-mapping.ts'
export type { App } from './app.ts'
export type { AppGroup } from './app-group.ts'
export type { AppVersion } from './app-version.ts'
export type { AuditEntry, AuditHead, AuditQuery, AuditType, StoredAuditEntry } from './audit.ts'
export { type AuditFault, unverified, type Verified, type VerifiedPart } from './audit-verification.ts'
export type { HubLink } from './hub-link.ts'
export type { Option } from './option.ts'
export type { ResetCode } from './reset-code.ts'
export type { RetentionRule } from './retention-rule.ts'
export type { CustomRole } from './role.ts'
export type { EndReason, Session, SessionToken } from './session.ts'
export type { Setting } from './setting.ts'
export type { SigningKey } from './signing-key.ts'
export type { SsoLink, SsoProvider, SsoSession } from './sso.ts'
export type { KnownAddress } from './throttle.ts'
export type { BreakGlass, SecondFactor } from './totp.ts'
export type { Profile, User } from './user.ts'

export interface Disk {
  /** Commits one change together with the audit entries that it makes true, then tells the log of them. */
  call<K extends keyof Changes>(change: K, ...args: Parameters<Changes[K]>): Promise<void>
}
export type Contents = ReturnType<StoreMethods['load']>

/** auth.db, in its own thread. Those who keep part of it in memory start from `contents`. */
export interface Store extends AsyncDisposable {
  /** As on disk when opened. */
  readonly contents: Contents
  /**
   * One change at a time: what `change` finds in memory holds until it is done. It commits through
   * `disk`, then alters memory; when the commit fails, memory stays.
   */
  change<T>(change: (disk: Disk) => Promise<T>): Promise<T>
  /** Audit entries of events that changed nothing; in no order with the changes. */
  note(entries: readonly AuditEntry[]): Promise<void>
  ssoLinks(): Promise<SsoLink[]>
  ssoSession(session: string): Promise<SsoSession | undefined>
  ssoSessions(provider: string): Promise<SsoSession[]>
  ssoMessageSeen(issuer: string, jti: string): Promise<boolean>
  listAudit(query: AuditQuery): Promise<StoredAuditEntry[]>
  auditHead(): Promise<AuditHead>
  /** So many entries at a time, from `unverified` on. */
  verifyAudit(from: Verified, limit: number): Promise<VerifiedPart>
  /** Signs for what is new since the last time. */
  signAudit(time: number): Promise<void>
  /** How many have gone. */
  removeOldAudit(rules: readonly OldBy[], time: number): Promise<number>
  /** A consistent copy of auth.db, which nobody else can open; the file must not exist. */
  copyTo(path: string): Promise<void>
  readonly died: Promise<never>
}

export interface StoreConfig {
  dir: string
  /** Bytes that the audit may take. */
  auditMaxBytes: number
}

export interface StoreDeps {
  /** Is given every audit entry once it is on disk. */
  tell(entry: AuditEntry): void
  openThread?: typeof openThread | undefined
}

export async function openStore(
  { tell, openThread: start = openThread }: StoreDeps,
  { dir, auditMaxBytes }: StoreConfig,
): Promise<Store> {
  await ensurePrivateDir(dir)
  const data: StoreThreadData = { path: join(dir, 'auth.db'), auditMaxBytes }
  const thread = await start<StoreMethods>(threadUrl('thread', import.meta.url), data)
  const disk: Disk = {
    async call(change, ...args) {
      await thread.call(change, ...args)
      for (const entry of args[0]) tell(entry)
    },
  }
  let last: Promise<unknown> = Promise.resolve()
  return {
    contents: await thread.call('load'),
    change(change) {
      const done = last.then(() => change(disk))
      last = done.catch(() => {}) // told to the caller
      return done
    },
    note: (entries) => disk.call('noteEvents', entries),
    ssoLinks: () => thread.call('ssoLinks'),
    ssoSession: (session) => thread.call('ssoSession', session),
    ssoSessions: (provider) => thread.call('ssoSessions', provider),
    ssoMessageSeen: (issuer, jti) => thread.call('ssoMessageSeen', issuer, jti),
    listAudit: (query) => thread.call('listAudit', query),
    auditHead: () => thread.call('auditHead'),
    verifyAudit: (from, limit) => thread.call('verifyAudit', from, limit),
    signAudit: (time) => thread.call('signAudit', time),
    removeOldAudit: (rules, time) => thread.call('removeOldAudit', rules, time),
    copyTo: (path) => thread.call('copyTo', path),
    died: thread.died,
    async [Symbol.asyncDispose]() {
      await last
      await thread[Symbol.asyncDispose]()
    },
  }
}
