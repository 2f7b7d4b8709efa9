import { join } from 'node:path'
import { readBootId } from '../core/boot.ts'
import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import { type HttpServer, listenTcp } from '../core/http-server.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { createApps } from './apps/apps.ts'
import { createCheckAssertion } from './apps/assertion.ts'
import { createAuthenticateClient } from './apps/client.ts'
import { appOperations } from './apps/operations.ts'
import { createAppPasswords } from './apps/passwords.ts'
import { createTechnicalTokens } from './apps/technical-tokens.ts'
import { audited, createAudit } from './audit/audit.ts'
import { auditOperations } from './audit/operations.ts'
import { createDenials } from './guard/denials.ts'
import { createGates } from './guard/gates.ts'
import { createGuard } from './guard/guard.ts'
import { guardOperations } from './guard/operations.ts'
import type { GuardDefault } from './guard/rules.ts'
import { administration } from './http/admin-routes.ts'
import { type AdminSessionsConfig, createAdminSessions } from './http/admin-sessions.ts'
import type { HttpDeps } from './http/deps.ts'
import { createOauth } from './http/oauth.ts'
import type { Rate } from './http/rate.ts'
import { createAppsServer, createIntrospectionServer } from './http/server.ts'
import { createWebSockets } from './http/websockets.ts'
import type { Measurements } from './measurements.ts'
import { createPeople, type PeopleConfig } from './people.ts'
import { createProxySecret } from './proxy-secret.ts'
import { listenProxySocket } from './proxy-socket.ts'
import { sessionOperations } from './sessions/operations.ts'
import { createSessionTime } from './sessions/session-time.ts'
import { openStore, type Setting, type Store } from './store/index.ts'
import { openSigningKeys } from './tokens/keys.ts'
import { keyOperations } from './tokens/operations.ts'
import { createTokens } from './tokens/tokens.ts'
import type { FirstAdmin } from './users/first-admin.ts'
import { userOperations } from './users/operations.ts'

export interface EdgeAuthDeps {
  clock: Clock
  random: Random
  log: Logger
  /** The proven time, while there is one: the audit tells it beside the box's. */
  correctedNow?: (() => number | undefined) | undefined
  /** Takes what apps send to POST /api/v1/readings. */
  measurements: Measurements
}

export interface EdgeAuthConfig extends PeopleConfig {
  /** State; auth.db lies here. */
  dir: string
  /** proxy.sock and first-admin-code lie here; must exist, and let the proxy's group pass. */
  runtimeDir: string
  /** host:port of the apps listener. */
  listen: string
  /** host:port where introspection needs no client credentials. */
  introspectListen?: string | undefined
  /** Introspection without client credentials on the apps listener too. */
  introspectPublic: boolean
  /** How often an address may introspect without client credentials. */
  openIntrospectionRate: readonly Rate[]
  /** Group that may open proxy.sock. */
  proxyGroup?: string | undefined
  /** Shows that a request over TCP was passed on by a reverse proxy. */
  proxySecret?: string | undefined
  /** Where no app is known to the guard. */
  guardDefault: GuardDefault
  /** Paths of the certificate that the proxy shows, and of its key. */
  certificate: { cert: string; key: string }
  admin: AdminSessionsConfig
  /** Life of a token that an app gets for itself. */
  technicalLifetimeMs: number
}

/** The local authority: users, their sessions and tokens, apps, and who may pass. Needs no network. */
export interface EdgeAuth extends AsyncDisposable {
  /** Work with or without listening. */
  readonly operations: Operations
  /** By the secret of any version of the app, in constant time, or by a token of its own for this box. */
  authenticateApp(clientId: string, secretOrToken: string): Promise<boolean>
  /** Called when a secret or token of the app was made void: what it opened must be closed. */
  onAppChange(listener: (clientId: string) => void): void
  /**
   * Serves the apps listener, proxy.sock and, when set, the introspection listener; returns the URLs.
   * While there is no user it writes the code that makes the first administrator.
   */
  listen(): Promise<{ auth: string; introspect?: string }>
  /** Adds the administration of users to the server of the admin listener. */
  administration(server: HttpServer): Promise<void>
  /** Rejects when auth.db can no longer be written. */
  readonly died: Promise<never>
}

export async function openEdgeAuth(deps: EdgeAuthDeps, config: EdgeAuthConfig): Promise<EdgeAuth> {
  const { clock, random, log, measurements, correctedNow } = deps
  await using opening = new AsyncDisposableStack()
  const store = opening.use(await openStore(config.dir, { tell: audited(log) }))

  const audit = opening.use(createAudit({ store, clock, log, correctedNow }))
  const time = createSessionTime({ clock, bootId: readBootId() }, settingOf(store, 'session_time'))
  const sessionTime = time.now
  const longestLifetimeMs = () => Math.max(config.sessions.lifespanMs, config.technicalLifetimeMs)
  const keys = await openSigningKeys({ store, clock, audit, sessionTime, longestLifetimeMs })
  const tokens = createTokens({ keys, clock, random, sessionTime }, config)
  const people = await createPeople({ store, clock, random, audit, log, time, tokens }, config)
  const { sessions, users, passwords, throttle, newPasswords, firstAdmin, identify, signIn } = people
  const apps = createApps({ store, clock, random, audit })
  const boxId = await settleBoxId(store, random)
  const boxEpoch = () => sessions.boxEpoch
  const technical = createTechnicalTokens({ store, apps, tokens, audit, sessionTime, boxEpoch })
  const authenticateClient = createAuthenticateClient(apps, createCheckAssertion({ apps, clock }))
  const appPasswords = createAppPasswords({ apps, tokens, technical, clock })
  const oauth = createOauth(
    {
      ...{ authenticateClient, identify, sessions, users, tokens, technical },
      ...{ audit, clock, random, boxId },
    },
    { openRate: config.openIntrospectionRate },
  )
  const gates = createGates({ store, audit, apps })
  const guard = createGuard({ gates, identify, sessions }, { otherwise: config.guardDefault })
  const denials = createDenials({ audit, clock })
  const adminSessions = createAdminSessions({ signIn, identify, sessions, clock, random }, config.admin)
  opening.use(adminSessions)
  const http: HttpDeps = {
    ...{ clock, guard, denials },
    ...{ log, random, apps, signIn, identify, sessions, users, tokens, firstAdmin, boxId },
    ...{ oauth, keys, measurements, newPasswords, passwordRules: passwords.rules },
  }

  const operations = {
    ...withdrawingCode(userOperations({ users, passwords, throttle }), firstAdmin),
    ...sessionOperations(sessions, users),
    ...appOperations(apps),
    ...keyOperations(keys),
    ...auditOperations(store, audit),
    ...guardOperations(gates, proxyFiles(config)),
  }
  const held = opening.move()
  return {
    operations,
    authenticateApp: appPasswords.check,
    onAppChange: apps.onChange,
    async listen() {
      await firstAdmin.offer()
      for (const run of [keys.run, appPasswords.run, sessions.run]) held.use(running(run, log))
      return listenAll(http, config, held)
    },
    administration: (server) => administration(server, { adminSessions, operations }),
    died: store.died,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Runs until disposed. */
function running(run: (signal: AbortSignal) => Promise<void>, log: Logger): AsyncDisposable {
  const stopped = new AbortController()
  const done = run(stopped.signal).catch((err) => log.error({ err }, 'background task ended'))
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await done
    },
  }
}

async function listenAll(
  http: HttpDeps,
  config: EdgeAuthConfig,
  held: AsyncDisposableStack,
): Promise<{ auth: string; introspect?: string }> {
  const openIntrospection = config.introspectPublic
  const proxySecret = config.proxySecret === undefined ? undefined : createProxySecret(config.proxySecret)
  const webSockets = held.use(createWebSockets(http))
  const byTcp = { behindProxy: false, openIntrospection, proxySecret }
  const direct = createAppsServer(http, byTcp)
  if (proxySecret) direct.server.on('upgrade', webSockets.take(byTcp))
  held.defer(() => direct.close())
  const auth = await listenTcp(direct, config.listen, 'auth.listen')
  http.log.debug({ routes: direct.routePolicies }, 'who may call what on the apps listener')

  const bySocket = { behindProxy: true, openIntrospection }
  const proxied = createAppsServer(http, bySocket)
  proxied.server.on('upgrade', webSockets.take(bySocket))
  held.defer(() => proxied.close())
  await listenProxySocket(proxied, join(config.runtimeDir, 'proxy.sock'), config.proxyGroup)

  if (config.introspectListen === undefined) return { auth }
  const internal = createIntrospectionServer(http)
  held.defer(() => internal.close())
  return { auth, introspect: await listenTcp(internal, config.introspectListen, 'auth.introspect_listen') }
}

const proxyFiles = ({ runtimeDir, listen, certificate }: EdgeAuthConfig) => ({
  socket: join(runtimeDir, 'proxy.sock'),
  listen,
  ...certificate,
})

/** Names this box as the client of every introspected token; made once. */
async function settleBoxId(store: Store, random: Random): Promise<string> {
  const known = settingOf(store, 'box_id')
  if (known !== undefined) return known
  const value = random.uuid()
  await store.change((disk) => disk.call('putSetting', [], { key: 'box_id', value }))
  return value
}

const settingOf = ({ contents }: Store, key: Setting['key']): string | undefined =>
  contents.settings.find((setting) => setting.key === key)?.value

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
