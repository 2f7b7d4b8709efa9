import { join } from 'node:path'
import { type HttpServer, listenTcp } from '../core/http-server.ts'
import type { Logger } from '../core/log.ts'
import type { EdgeAuthConfig } from './config.ts'
import type { HttpDeps } from './http/deps.ts'
import { createAppsServer, createIntrospectionServer } from './http/server.ts'
import { createWebSockets } from './http/websockets.ts'
import { createProxySecret } from './proxy-secret.ts'
import { listenProxySocket } from './proxy-socket.ts'

/** Runs until disposed. */
export function running(run: (signal: AbortSignal) => Promise<void>, log: Logger): AsyncDisposable {
  const stopped = new AbortController()
  const done = run(stopped.signal).catch((err) => log.error({ err }, 'background task ended'))
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await done
    },
  }
}

/** The ways in, but for the administration; each is closed with `held`. */
export async function listenAll(
  http: HttpDeps,
  config: EdgeAuthConfig,
  held: AsyncDisposableStack,
): Promise<{ auth: string; introspect?: string }> {
  const openIntrospection = config.introspectPublic
  const proxySecret = config.proxySecret === undefined ? undefined : createProxySecret(config.proxySecret)
  const closing = <S extends HttpServer>(server: S): S => {
    held.defer(() => server.close())
    return server
  }
  const byTcp = { behindProxy: false, openIntrospection, proxySecret }
  const direct = closing(createAppsServer(http, byTcp))
  const bySocket = { behindProxy: true, openIntrospection }
  const proxied = closing(createAppsServer(http, bySocket))
  const internal = closing(createIntrospectionServer(http))
  // Closed before the servers, each of which waits for what it has upgraded.
  const webSockets = held.use(createWebSockets(http))
  if (proxySecret) direct.server.on('upgrade', webSockets.take(byTcp))
  proxied.server.on('upgrade', webSockets.take(bySocket))

  const auth = await listenTcp(direct, config.listen, 'auth.listen')
  http.log.debug({ routes: direct.routePolicies }, 'who may call what on the apps listener')
  await listenProxySocket(proxied, join(config.runtimeDir, 'proxy.sock'), config.proxyGroup)
  if (config.introspectListen === undefined) return { auth }
  return { auth, introspect: await listenTcp(internal, config.introspectListen, 'auth.introspect_listen') }
}
