import type { Socket } from 'node:net'
import { join } from 'node:path'
import { readBootId } from '../core/boot.ts'
import { type Operations, run } from '../core/control.ts'
import type { Gauge } from '../core/gauge.ts'
import type { HttpServer } from '../core/http-server.ts'
import { createHttpTally } from '../core/http-tally.ts'
import { createLoginAttack } from './alarms/login-attack.ts'
import { createAlarmMappings } from './alarms/mappings.ts'
import { alarmOperations, noAlarms } from './alarms/operations.ts'
import { type AppRights, rightsOf } from './apps/access.ts'
import { type BrokerView, watched } from './apps/health.ts'
import { appOperations } from './apps/operations.ts'
import { createAudit, type RemoteCommand } from './audit/audit.ts'
import { createCheckpoints } from './audit/checkpoints.ts'
import { audited } from './audit/log.ts'
import { auditOperations } from './audit/operations.ts'
import { settingOf, settleBoxId } from './box-settings.ts'
import type { EdgeAuthConfig, EdgeAuthDeps } from './config.ts'
import { createEntrance } from './entrance.ts'
import { authGauges, countEntries } from './gauges.ts'
import { createDenials } from './guard/denials.ts'
import { createDeniedRequests } from './guard/denied-requests.ts'
import { createGuard } from './guard/guard.ts'
import { guardOperations } from './guard/operations.ts'
import { administration } from './http/admin/administration.ts'
import { createAdminSessions } from './http/admin/sessions.ts'
import type { HttpDeps } from './http/deps.ts'
import { noIntrospections } from './http/introspection-count.ts'
import { createOauth } from './http/oauth.ts'
import { loginPath } from './http/path.ts'
import { appsRoutes } from './http/server.ts'
import { createHubTokens } from './hub-links/hub-tokens.ts'
import { hubLinkOperations } from './hub-links/operations.ts'
import { kvOperations } from './kv/operations.ts'
import { listenAll, running } from './listening.ts'
import { auditNeeds, boxNeeds, guardNeeds, hubLinkNeeds, keyNeeds, sessionNeeds } from './needs.ts'
import { application, auditClaims, defaultApp, singleSignOn } from './options/known.ts'
import { livePolicy, longestLifespanMs } from './options/lifespans.ts'
import { loginSettingsOperations } from './options/login-settings.ts'
import { optionOperations } from './options/operations.ts'
import { createOptions } from './options/options.ts'
import { createPeople } from './people.ts'
import { guarded } from './permissions/index.ts'
import { createPrograms } from './programs.ts'
import { retentionOperations } from './retention/operations.ts'
import { createRetention } from './retention/retention.ts'
import { counted } from './sessions/login-count.ts'
import { sessionOperations } from './sessions/operations.ts'
import { createSessionTime } from './sessions/session-time.ts'
import { alsoExternal, createSso } from './sso/index.ts'
import type { AuditEntry, AuditHead } from './store/index.ts'
import { openStores } from './stores.ts'
import { openSigningKeys } from './tokens/keys.ts'
import { keyOperations } from './tokens/operations.ts'
import { createTokens } from './tokens/tokens.ts'
import type { FirstAdmin } from './users/first-admin.ts'
import { ignoreCase, login, refuseCollisions } from './users/login-names.ts'

export type { EdgeAuthConfig, EdgeAuthDeps } from './config.ts'
export { adminRoutes } from './http/admin/routes.ts'
export { boxIdIn, edgeAuthDatabases, prepareRestored } from './restored.ts'
export type { Aged } from './retention/rule.ts'

/** The local authority: users, their sessions and tokens, apps, and who may pass. Needs no network. */
export interface EdgeAuth extends AsyncDisposable {
  /** Work with or without listening. */
  readonly operations: Operations
  /** By the secret of any version of the app, in constant time, or by a token of its own for this box. */
  authenticateApp(clientId: string, secretOrToken: string): Promise<boolean>
  /** Called when a secret or token of the app was made void: what it opened must be closed. */
  onAppChange(listener: (clientId: string) => void): void
  /** What the app may at this moment; undefined: nothing. */
  appRights(clientId: string): AppRights | undefined
  /** For the audit: messages of an app that had to wait for its quota, or were refused. */
  noteOverQuota(clientId: string, since: { slowed: number; refused: number }): void
  /** For the audit: what is logged was changed while the process runs. */
  noteLogLevel(change: { reason: string }): void
  /** For the audit: what the hub asked of the box, and its end. */
  noteRemoteCommand(command: RemoteCommand): void
  /** While a broker runs: how it sees an app. */
  watchApps(seen: (clientId: string) => BrokerView | undefined): void
  /**
   * Serves the apps listener, proxy.sock and, when set, the introspection listener; returns the URLs.
   * While there is no user it writes the code that makes the first administrator.
   */
  listen(): Promise<{ auth: string; introspect?: string }>
  /** Adds the administration of users to the server of the admin listener. */
  administration(server: HttpServer): Promise<void>
  gauges(): Gauge[]
  /** How far the audit has come. */
  auditHead(): Promise<AuditHead>
  /** A consistent copy of auth.db, which only its owner can make; the file must not exist. */
  copyStore(path: string): Promise<void>
  /** Rejects when auth.db can no longer be written. */
  readonly died: Promise<never>
}

export async function openEdgeAuth(deps: EdgeAuthDeps, config: EdgeAuthConfig): Promise<EdgeAuth> {
  const { clock, random, log, measurements, correctedNow } = deps
  await using opening = new AsyncDisposableStack()
  const alarms = deps.alarms ?? noAlarms
  const toLog = audited(log)
  const toAlarm = createLoginAttack({ alarms, clock })
  const entries = countEntries()
  const tell = (entry: AuditEntry): void => {
    toLog(entry)
    toAlarm(entry)
    entries.add(entry)
  }
  const { store, kv } = await openStores({ clock, random, log, tell, openThread: deps.openThread }, config)
  opening.use(store)
  opening.use(kv)

  const checkpoints = opening.use(createCheckpoints({ store, clock, log }))
  const audit = opening.use(createAudit({ store, clock, log, correctedNow }))
  const time = createSessionTime({ clock, bootId: readBootId() }, settingOf(store, 'session_time'))
  const sessionTime = time.now
  const options = createOptions({ store, clock, audit }, { locked: config.lockedOptions })
  const sessionPolicy = livePolicy(config.sessions, options)
  const longestLifetimeMs = () => Math.max(longestLifespanMs(sessionPolicy), config.technicalLifetimeMs)
  const keys = await openSigningKeys({ store, clock, audit, sessionTime, longestLifetimeMs })
  const tokens = createTokens({ keys, clock, random, sessionTime }, config)
  const deniedRequests = createDeniedRequests({ clock, correctedNow })
  const denials = createDenials({ audit, clock, remember: deniedRequests.remember })
  const people = await createPeople(
    {
      ...{ store, clock, random, audit, log, time, tokens, denials, deniedRequests },
      alarms,
      gatesOf: (role) => gates.asking(role),
      ignoreCase: () => options.flag(login, ignoreCase, false),
    },
    { ...config, sessions: sessionPolicy },
  )
  options.beforeChange((category, key, value) => {
    if (category === login && key === ignoreCase && value === 'true') refuseCollisions(users.collisions())
  })
  const { authority, roles, groups } = people
  const { demand } = authority
  const { sessions, users, passwords, newPasswords, firstAdmin, identify } = people
  const programs = await createPrograms({
    ...{ store, clock, random, audit, log, sessionTime, tokens, sessions, kv },
  })
  const { apps, health, technical, authenticateClient, appPasswords, hubLinks, gates } = programs
  users.onRemoved((name) => {
    for (const owned of [apps, options]) owned.disown(name)
  })
  const boxId = await settleBoxId(store, random)
  const sso = createSso(
    {
      ...{ store, http: deps.outgoing, clock, random, log, audit, correctedNow },
      ...{ users, roles, groups, sessions, authority, oversight: people.oversight },
      tellsClaims: () => options.flag(singleSignOn, auditClaims, false),
      secondFactorDue: (user) => secondFactors.dueAfterSso(user),
    },
    { allowPrivate: config.ssoAllowPrivate },
  )
  const entrance = await createEntrance({
    ...{ store, clock, random, audit, log, time, correctedNow, alarms, options, people },
    hasProvider: () => sso.visible().length > 0,
  })
  const { signInSteps, secondFactors, twoFactor, loginModes, basicLogin } = entrance
  const { signIn, counts: logins } = counted(entrance.signIn)
  const introspections = noIntrospections()
  const requests = createHttpTally('apps', appsRoutes)
  const oauth = createOauth(
    {
      external: sso.external,
      ...{ authenticateClient, identify, sessions, users, groups, tokens, technical },
      ...{ audit, clock, random, boxId, counts: introspections },
    },
    { openRate: config.openIntrospectionRate },
  )
  const guard = watched(
    createGuard(
      { gates, identify: alsoExternal(identify, sso.external), sessions, users, groups, apps },
      { otherwise: config.guardDefault },
    ),
    health,
  )
  const { kept } = deps
  const retention = createRetention(
    { store, clock, sessionTime, correctedNow, audit, kept, log },
    settingOf(store, 'retention_ran'),
  )
  const alarmMappings = createAlarmMappings({ store, clock, audit, map: alarms.map })
  const adminSessions = createAdminSessions({ signIn, identify, sessions, clock, random }, config.admin)
  opening.use(adminSessions)
  const home = (): string => {
    const app = options.get(application, defaultApp)
    const isOpen = app !== undefined && apps.find(app)?.enabled
    return (isOpen ? gates.find(app)?.path : undefined) ?? loginPath
  }
  const http: HttpDeps = {
    sso,
    ...{ options, home, requests },
    ...{ signInSteps, secondFactors, twoFactor, loginModes, basicLogin },
    ...{ clock, guard, denials, kv, patientWith: new WeakSet<Socket>() },
    ...{ log, random, apps, signIn, identify, sessions, users, tokens, firstAdmin, boxId },
    ...{ hubLinks, hubTokens: createHubTokens(deps.hub), localTenant: config.localTenant },
    ...{ oauth, technical, keys, measurements, newPasswords, passwordRules: passwords.rules },
  }

  const changingOptions = entrance.awaiting(optionOperations({ options, authority }))
  const operations = {
    ...withdrawingCode(people.operations, firstAdmin),
    ...guarded(sessionOperations(sessions, users), sessionNeeds, demand),
    ...appOperations({ apps, authority, health }),
    ...guarded(hubLinkOperations(hubLinks), hubLinkNeeds, demand),
    ...guarded(keyOperations(keys), keyNeeds, demand),
    ...guarded(auditOperations({ store, audit }), auditNeeds, demand),
    ...kvOperations({ kv, apps, audit, demand: authority.demand }),
    ...guarded(guardOperations(gates, roles.refuseUnknown, proxyFiles(config)), guardNeeds, demand),
    ...sso.operations,
    ...entrance.operations,
    ...changingOptions,
    ...loginSettingsOperations({ options, authority, operations: changingOptions }),
    ...retentionOperations({ retention, authority }),
    ...alarmOperations({ alarms, mappings: alarmMappings, authority, audit, store }),
  }
  const held = opening.move()
  return {
    operations,
    authenticateApp: appPasswords.check,
    onAppChange: apps.onChange,
    appRights: (clientId) => rightsOf(apps.find(clientId)),
    noteOverQuota: audit.appOverQuota,
    noteRemoteCommand: audit.remoteCommand,
    noteLogLevel: audit.logLevelChanged,
    watchApps: health.watch,
    async listen() {
      await firstAdmin.offer()
      const { serviceAccess } = people
      for (const run of [
        keys.run,
        apps.run,
        appPasswords.run,
        sessions.run,
        serviceAccess.run,
        entrance.run,
        checkpoints.run,
        retention.run,
      ])
        held.use(running(run, log))
      return listenAll(http, config, held)
    },
    administration: (server) =>
      administration(server, {
        ...{ adminSessions, permissionsOf: roles.permissionsOf },
        operations: { ...operations, ...guarded(shownOf(deps.box), boxNeeds, demand) },
        denied: denials.notPermitted,
      }),
    gauges: () => [
      ...authGauges({
        ...{ introspections, logins, entries, hashing: passwords.load() },
        ...{ sessions: sessions.list().length, users: users.list().length, apps: apps.list().length },
      }),
      ...requests.gauges(),
    ],
    auditHead: store.auditHead,
    copyStore: store.copyTo,
    died: store.died,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const shownOf = (box: Operations = {}): Operations =>
  Object.fromEntries(
    Object.keys(boxNeeds).map((name) => [name, (params, caller) => run(box, name, params, caller)]),
  )

const proxyFiles = ({ runtimeDir, listen, certificate }: EdgeAuthConfig) => ({
  socket: join(runtimeDir, 'proxy.sock'),
  listen,
  ...certificate,
})

/** A user made by other means ends the offer to make the first one. */
function withdrawingCode(operations: Operations, firstAdmin: FirstAdmin): Operations {
  const add = operations['user.add'] as Operations[string]
  return {
    ...operations,
    'user.add': async (params, caller) => {
      const added = await add(params, caller)
      await firstAdmin.withdraw()
      return added
    },
  }
}
