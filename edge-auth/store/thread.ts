import { openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import type { Gate } from '../guard/rules.ts'
import type { OldBy } from '../retention/rule.ts'
import { type AlarmMapping, alarmMappingTable } from './alarm-mapping.ts'
import { type App, appTable } from './app.ts'
import { type AppGroup, appGroupTable } from './app-group.ts'
import { type AppVersion, appVersionTable } from './app-version.ts'
import { type AuditEntry, type AuditQuery, auditTable } from './audit.ts'
import type { Verified } from './audit-verification.ts'
import { gateTable } from './gate.ts'
import { type HubLink, hubLinkTable } from './hub-link.ts'
import { type Option, optionTable } from './option.ts'
import { type ResetCode, resetCodeTable } from './reset-code.ts'
import { type RetentionRule, retentionRuleTable } from './retention-rule.ts'
import { type RevokedToken, revokedTokenTable } from './revoked-token.ts'
import { type CustomRole, roleTable } from './role.ts'
import { type Session, type SessionToken, sessionTable } from './session.ts'
import { type Setting, settingTable } from './setting.ts'
import { type SigningKey, signingKeyTable } from './signing-key.ts'
import { type SsoLink, type SsoMessage, type SsoProvider, type SsoSession, ssoTables } from './sso.ts'
import { type KnownAddress, type Lockout, throttleTables } from './throttle.ts'
import { type BreakGlass, type SecondFactor, secondFactorTables } from './totp.ts'
import { type User, userTable } from './user.ts'

export interface StoreThreadData {
  path: string
  /** Bytes that the audit may take. */
  auditMaxBytes: number
}

/** What alters auth.db. What may be changed is decided by the caller, one change at a time. */
export type Changes = ReturnType<typeof openChanges>
export type StoreMethods = ReturnType<typeof openMethods>['methods']

function openTables({ path, auditMaxBytes }: StoreThreadData) {
  const db = openDatabase(path, {
    migrations: new URL('./migrations/', import.meta.url),
    // Nobody else opens it, so SQLite needs no -shm file, for which a full disk has no room.
    pragmas: ['locking_mode = EXCLUSIVE'],
  })
  return {
    db,
    users: userTable(db),
    roles: roleTable(db),
    groups: appGroupTable(db),
    resetCodes: resetCodeTable(db),
    sessions: sessionTable(db),
    apps: appTable(db),
    versions: appVersionTable(db),
    hubLinks: hubLinkTable(db),
    gates: gateTable(db),
    keys: signingKeyTable(db),
    revoked: revokedTokenTable(db),
    settings: settingTable(db),
    options: optionTable(db),
    throttle: throttleTables(db),
    sso: ssoTables(db),
    factors: secondFactorTables(db),
    audit: auditTable(db, { maxBytes: auditMaxBytes }),
    retentionRules: retentionRuleTable(db),
    alarmMappings: alarmMappingTable(db),
  }
}
type Tables = ReturnType<typeof openTables>

/** Each is one transaction, with the audit entries that it makes true as the first argument. */
function openChanges(tables: Tables) {
  const {
    db,
    users,
    roles,
    groups,
    resetCodes,
    sessions,
    apps,
    versions,
    gates,
    keys,
    revoked,
    settings,
    throttle,
    audit,
  } = tables
  const change = <A extends unknown[]>(alter: (...args: A) => void) =>
    db.transaction((entries: readonly AuditEntry[], ...args: A): void => {
      alter(...args)
      audit.add(entries)
    })
  const renew = (changed: readonly User[]): void => {
    for (const user of changed) {
      users.put(user)
      sessions.removeOfUser(user.name)
    }
  }

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
      tables.sso.disown(name)
      for (const owned of [users, roles, groups, tables.options, apps]) owned.disown(name)
    }),
    /** `renewed` are the users for whom something changes with it; their sessions end. */
    putRole: change((role: CustomRole, renewed: readonly User[]) => {
      roles.put(role)
      renew(renewed)
    }),
    removeRole: change((name: string, renewed: readonly User[]) => {
      roles.remove(name)
      renew(renewed)
    }),
    putAppGroup: change((group: AppGroup, renewed: readonly User[]) => {
      groups.put(group)
      renew(renewed)
    }),
    removeAppGroup: change((name: string, renewed: readonly User[]) => {
      groups.remove(name)
      renew(renewed)
    }),
    putResetCode: change((code: ResetCode) => resetCodes.put(code)),
    removeResetCode: change((user: string) => resetCodes.remove(user)),
    addSecondFactor: change((factor: SecondFactor) => tables.factors.add(factor)),
    useSecondFactor: change((user: string, step: number) => tables.factors.use(user, step)),
    useRecoveryCode: change((user: string, hash: Uint8Array) => tables.factors.useRecovery(user, hash)),
    /** `user` is as he is without it; his sessions end. */
    removeSecondFactor: change((user: User) => {
      tables.factors.remove(user.name)
      renew([user])
    }),
    /** `setting` says that it was done. */
    removeSecondFactors: change((setting: Setting) => {
      tables.factors.removeAll()
      settings.put(setting)
    }),
    putBreakGlass: change((one: BreakGlass) => tables.factors.putBreakGlass(one)),
    removeBreakGlass: change((user: string) => tables.factors.removeBreakGlass(user)),
    /** `evicted` are ended for it; `time` is how far session time has come. */
    addSession: change((opened: OpenedSession) => {
      for (const id of opened.evicted) sessions.remove(id)
      sessions.add(opened.session)
      sessions.addToken(opened.token)
      if (opened.sso) tables.sso.open(opened.sso)
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
    removeAppVersion: change((app: App, version: string) => {
      apps.put(app)
      versions.remove(app.clientId, version)
    }),
    removeApp: change((clientId: string) => apps.remove(clientId)),
    putHubLink: change((link: HubLink) => tables.hubLinks.put(link)),
    removeHubLink: change((clientId: string, version: string) => tables.hubLinks.remove(clientId, version)),
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
    putOption: change((option: Option) => tables.options.put(option)),
    removeOption: change((category: string, key: string) => tables.options.remove(category, key)),
    putSsoProvider: change((provider: SsoProvider) => tables.sso.put(provider)),
    removeSsoProvider: change((name: string) => tables.sso.remove(name)),
    addLinkedUser: change((user: User, link: SsoLink) => {
      users.put(user)
      tables.sso.link(link)
    }),
    addSsoLink: change((link: SsoLink) => tables.sso.link(link)),
    removeSsoLink: change((issuer: string, subject: string) => tables.sso.unlink(issuer, subject)),
    /** What was seen before `oldest` is forgotten. */
    noteSsoMessage: change((message: SsoMessage, oldest: number) => tables.sso.note(message, oldest)),
    putRetentionRule: change((rule: RetentionRule) => tables.retentionRules.put(rule)),
    removeRetentionRule: change((id: number) => tables.retentionRules.remove(id)),
    putAlarmMapping: change((mapping: AlarmMapping) => tables.alarmMappings.put(mapping)),
    removeAlarmMapping: change((type: string) => tables.alarmMappings.remove(type)),
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
  /** Where the user has signed in elsewhere. */
  sso?: SsoSession | undefined
}

function openMethods(data: StoreThreadData) {
  const tables = openTables(data)
  const { db } = tables
  const methods = {
    load: db.transaction(() => {
      const known = tables.settings.all()
      return {
        users: tables.users.all(),
        roles: tables.roles.all(),
        appGroups: tables.groups.all(),
        resetCodes: tables.resetCodes.all(),
        sessions: tables.sessions.allOpen(known.find(({ key }) => key === 'box_epoch')?.value),
        sessionTokens: tables.sessions.allTokens(),
        lockouts: tables.throttle.lockouts(),
        knownAddresses: tables.throttle.known(),
        apps: tables.apps.all(),
        appVersions: tables.versions.all(),
        hubLinks: tables.hubLinks.all(),
        gates: tables.gates.all(),
        signingKeys: tables.keys.all(),
        revokedTokens: tables.revoked.all(),
        settings: known,
        ssoProviders: tables.sso.providers(),
        options: tables.options.all(),
        secondFactors: tables.factors.all(),
        breakGlass: tables.factors.allBreakGlass(),
        retentionRules: tables.retentionRules.all(),
        alarmMappings: tables.alarmMappings.all(),
      }
    }),
    ssoLinks: () => tables.sso.links(),
    ssoSession: (session: string) => tables.sso.ofSession(session),
    ssoSessions: (provider: string) => tables.sso.ofProvider(provider),
    ssoMessageSeen: (issuer: string, jti: string) => tables.sso.wasSeen(issuer, jti),
    listAudit: (query: AuditQuery) => tables.audit.list(query),
    auditHead: () => tables.audit.head(),
    verifyAudit: (from: Verified, limit: number) => tables.audit.verify(from, limit),
    signAudit: db.transaction((time: number) => tables.audit.checkpoint(time)),
    removeOldAudit: db.transaction((rules: readonly OldBy[], time: number) =>
      tables.audit.removeOld(rules, time),
    ),
    /** A few pages at a time, so that no login waits for it. */
    copyTo: async (path: string): Promise<void> => void (await db.backup(path)),
    ...openChanges(tables),
  }
  return { methods, close: () => void db.close() }
}

serveThread(openMethods)
