import { openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import type { Gate } from '../guard/rules.ts'
import { type App, appTable } from './app.ts'
import { type AppVersion, appVersionTable } from './app-version.ts'
import { type AuditEntry, type AuditQuery, auditTable } from './audit.ts'
import { gateTable } from './gate.ts'
import { type RevokedToken, revokedTokenTable } from './revoked-token.ts'
import { type Session, type SessionToken, sessionTable } from './session.ts'
import { type Setting, settingTable } from './setting.ts'
import { type SigningKey, signingKeyTable } from './signing-key.ts'
import { type KnownAddress, type Lockout, throttleTables } from './throttle.ts'
import { type User, userTable } from './user.ts'

export interface StoreThreadData {
  path: string
}

/** What alters auth.db. What may be changed is decided by the caller, one change at a time. */
export type Changes = ReturnType<typeof openChanges>
export type StoreMethods = ReturnType<typeof openMethods>['methods']

function openTables({ path }: StoreThreadData) {
  const db = openDatabase(path, { migrations: new URL('./migrations/', import.meta.url) })
  return {
    db,
    users: userTable(db),
    sessions: sessionTable(db),
    apps: appTable(db),
    versions: appVersionTable(db),
    gates: gateTable(db),
    keys: signingKeyTable(db),
    revoked: revokedTokenTable(db),
    settings: settingTable(db),
    throttle: throttleTables(db),
    audit: auditTable(db),
  }
}
type Tables = ReturnType<typeof openTables>

/** Each is one transaction, with the audit entries that it makes true as the first argument. */
function openChanges(tables: Tables) {
  const { db, users, sessions, apps, versions, gates, keys, revoked, settings, throttle, audit } = tables
  const change = <A extends unknown[]>(alter: (...args: A) => void) =>
    db.transaction((entries: readonly AuditEntry[], ...args: A): void => {
      alter(...args)
      audit.add(entries)
    })

  return {
    /** A new `epoch` ends the user's sessions; they are removed with it. */
    putUser: change((user: User, endsSessions: boolean) => {
      users.put(user)
      if (endsSessions) sessions.removeOfUser(user.name)
    }),
    removeUser: change((name: string) => {
      users.remove(name)
      sessions.removeOfUser(name)
      throttle.forgetUser(name)
    }),
    /** `evicted` are ended for it; `time` is how far session time has come. */
    addSession: change((opened: OpenedSession) => {
      for (const id of opened.evicted) sessions.remove(id)
      sessions.add(opened.session)
      sessions.addToken(opened.token)
      settings.put({ key: 'session_time', value: opened.time })
      if (opened.from) throttle.know(opened.from)
    }),
    /** `token` takes the place of `old`, which stays good until `oldEndsAt`. */
    renewToken: change((token: SessionToken, old: string, oldEndsAt: number) => {
      sessions.addToken(token)
      sessions.shortenToken(old, oldEndsAt)
    }),
    endSession: change((id: string) => sessions.remove(id)),
    /** Sessions of another epoch are no longer loaded, and removed later. */
    startBoxEpoch: change((value: string) => settings.put({ key: 'box_epoch', value })),
    /** `time` is how far session time has come: `now`. */
    removeDeadSessions: change((boxEpoch: string, now: number, time: string) => {
      sessions.removeDead(boxEpoch, now)
      settings.put({ key: 'session_time', value: time })
    }),
    lockOut: change((lockout: Lockout, now: number) => throttle.lock(lockout, now)),
    unlock: change((subject: string, start: string) => throttle.unlock(subject, start)),
    putAppVersion: change((app: App, version: AppVersion) => {
      apps.put(app)
      versions.put(version)
    }),
    putApp: change((app: App) => apps.put(app)),
    removeAppVersion: change((clientId: string, version: string) => versions.remove(clientId, version)),
    removeApp: change((clientId: string) => apps.remove(clientId)),
    putGate: change((gate: Gate) => gates.put(gate)),
    removeGate: change((clientId: string) => gates.remove(clientId)),
    putSigningKeys: change((changed: readonly SigningKey[], removed: readonly string[]) => {
      for (const key of changed) keys.put(key)
      for (const kid of removed) keys.remove(kid)
    }),
    /** `now` is session time: what is over by then need not be remembered. */
    revokeToken: change((token: RevokedToken, now: number) => {
      revoked.removeOver(now)
      revoked.add(token)
    }),
    putSetting: change((setting: Setting) => settings.put(setting)),
    /** Events that changed nothing else. */
    noteEvents: change(() => {}),
  }
}

export interface OpenedSession {
  session: Session
  token: SessionToken
  evicted: readonly string[]
  time: string
  from: KnownAddress | undefined
}

function openMethods(data: StoreThreadData) {
  const tables = openTables(data)
  const { db, users, sessions, apps, versions, gates, keys, revoked, settings, throttle, audit } = tables
  const methods = {
    load: db.transaction(() => {
      const known = settings.all()
      return {
        users: users.all(),
        sessions: sessions.allOpen(known.find(({ key }) => key === 'box_epoch')?.value),
        sessionTokens: sessions.allTokens(),
        lockouts: throttle.lockouts(),
        knownAddresses: throttle.known(),
        apps: apps.all(),
        appVersions: versions.all(),
        gates: gates.all(),
        signingKeys: keys.all(),
        revokedTokens: revoked.all(),
        settings: known,
      }
    }),
    listAudit: (query: AuditQuery) => audit.list(query),
    ...openChanges(tables),
  }
  return { methods, close: () => void db.close() }
}

serveThread(openMethods)
