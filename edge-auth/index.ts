import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import { listenTcp } from '../core/http-server.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { createApps } from './apps/apps.ts'
import { appOperations } from './apps/operations.ts'
import { createAudit } from './audit.ts'
import type { HttpDeps } from './http/route.ts'
import { createAppsServer, createIntrospectionServer } from './http/server.ts'
import { listenProxySocket } from './proxy-socket.ts'
import { createIdentify } from './sessions/identify.ts'
import { sessionOperations } from './sessions/operations.ts'
import { createSessions } from './sessions/sessions.ts'
import { createSignIn } from './sessions/sign-in.ts'
import { openStore, type Store } from './store/index.ts'
import { createTokens } from './tokens/tokens.ts'
import { createFirstAdmin, type FirstAdmin } from './users/first-admin.ts'
import { userOperations } from './users/operations.ts'
import { createPasswords } from './users/passwords.ts'
import { createUsers } from './users/users.ts'

export interface EdgeAuthDeps {
  clock: Clock
  random: Random
  log: Logger
}

export interface EdgeAuthConfig {
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
  /** Group that may open proxy.sock. */
  proxyGroup?: string | undefined
  tokenLifetimeMs: number
}

/** The local authority: users, their sessions and tokens, apps, and who may pass. Needs no network. */
export interface EdgeAuth extends AsyncDisposable {
  /** Work with or without listening. */
  readonly operations: Operations
  /** Constant time in the secret; true with the secret of any version of the app. */
  authenticateApp(clientId: string, secret: string): boolean
  /** Called when a secret of the app was made void: what it opened must be closed. */
  onAppChange(listener: (clientId: string) => void): void
  /**
   * Serves the apps listener, proxy.sock and, when set, the introspection listener; returns the URLs.
   * While there is no user it writes the code that makes the first administrator.
   */
  listen(): Promise<{ auth: string; introspect?: string }>
  /** Rejects when auth.db can no longer be written. */
  readonly died: Promise<never>
}

/** Further passwords than there are cores to check them wait; more are sent away. */
const waitingHashes = 32

export async function openEdgeAuth(deps: EdgeAuthDeps, config: EdgeAuthConfig): Promise<EdgeAuth> {
  const { clock, random, log } = deps
  await using opening = new AsyncDisposableStack()
  const store = opening.use(await openStore(config.dir))

  const audit = createAudit(log)
  const sessions = createSessions({ store, clock, random, audit }, config)
  const users = createUsers({ store, sessions, clock, audit })
  const apps = createApps({ store, clock, random, audit })
  const tokens = await createTokens({ store, clock })
  const parallel = Math.max(1, availableParallelism() - 1) // one core stays for everything else
  const passwords = createPasswords({ random }, { parallel, waiting: waitingHashes })
  const firstAdmin = createFirstAdmin({ users, passwords, random, log }, config)
  const identify = createIdentify({ tokens, sessions, users, clock })
  const signIn = createSignIn({ users, passwords, sessions, tokens, audit })
  const boxId = await settleBoxId(store, random)
  const http: HttpDeps = { log, random, apps, signIn, identify, sessions, tokens, firstAdmin, boxId }

  const held = opening.move()
  return {
    operations: {
      ...withdrawingCode(userOperations(users, passwords), firstAdmin),
      ...sessionOperations(sessions, users),
      ...appOperations(apps),
    },
    authenticateApp: apps.authenticate,
    onAppChange: apps.onChange,
    async listen() {
      await firstAdmin.offer()
      return listenAll(http, config, held)
    },
    died: store.died,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function listenAll(
  http: HttpDeps,
  config: EdgeAuthConfig,
  held: AsyncDisposableStack,
): Promise<{ auth: string; introspect?: string }> {
  const openIntrospection = config.introspectPublic
  const direct = createAppsServer(http, { behindProxy: false, openIntrospection })
  held.defer(() => direct.close())
  const auth = await listenTcp(direct, config.listen, 'auth.listen')

  const proxied = createAppsServer(http, { behindProxy: true, openIntrospection })
  held.defer(() => proxied.close())
  await listenProxySocket(proxied, join(config.runtimeDir, 'proxy.sock'), config.proxyGroup)

  if (config.introspectListen === undefined) return { auth }
  const internal = createIntrospectionServer(http)
  held.defer(() => internal.close())
  return { auth, introspect: await listenTcp(internal, config.introspectListen, 'auth.introspect_listen') }
}

/** Names this box as the client of every introspected token; made once. */
async function settleBoxId(store: Store, random: Random): Promise<string> {
  const known = store.contents.settings.find(({ key }) => key === 'box_id')
  if (known) return known.value
  const value = random.uuid()
  await store.change((disk) => disk.call('putSetting', { key: 'box_id', value }))
  return value
}

/** A user made by other means ends the offer to make the first one. */
function withdrawingCode(operations: Operations, firstAdmin: FirstAdmin): Operations {
  const add = operations['user.add'] as Operations[string]
  return {
    ...operations,
    'user.add': async (params) => {
      const added = await add(params)
      await firstAdmin.withdraw()
      return added
    },
  }
}
