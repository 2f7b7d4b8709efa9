import cookie from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'
import { EdgeError } from '../../core/errors.ts'
import { requireAccess } from '../../core/http-access.ts'
import { createHttpServer, type HttpServer } from '../../core/http-server.ts'
import { cookieSeconds } from '../options/lifespans.ts'
import { tokenCookieLife } from './cookies.ts'
import { crossOrigin } from './cors.ts'
import type { HttpDeps } from './deps.ts'
import { lookForIntrospection } from './direct-introspection.ts'
import { directLogin } from './direct-login.ts'
import { introspection, introspectionOn } from './introspection.ts'
import { jwks } from './jwks.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { metadata } from './metadata.ts'
import { introspectPaths } from './oauth-paths.ts'
import { privateTokens } from './private-tokens.ts'
import { readings } from './readings.ts'
import { forwardedHeadersOf, senderOf } from './request.ts'
import { revoke } from './revoke.ts'
import type { Surface } from './route.ts'
import { sso } from './sso.ts'
import { ssoMessages } from './sso-messages.ts'
import { technicalTokenManager } from './technical-token-manager.ts'
import { token } from './token.ts'
import { verify } from './verify.ts'

/** What people, scripts, apps and the reverse proxy ask. */
export function createAppsServer(deps: HttpDeps, surface: Surface): HttpServer {
  const kinds = new Map<string, string>()
  const server = createBareServer(deps, surface)
  deps.requests.watch(server, (url) => kinds.get(url))
  crossOrigin(server, deps.options)
  server.addHook('onRequest', async (request) => {
    const headers = forwardedHeadersOf(request, surface)
    if (headers.length === 0) return
    deps.denials.forwardedHeaderIgnored({ ...senderOf(request, surface), requestId: request.id, headers })
  })
  for (const [kind, routes] of Object.entries(kindsOfRoutes))
    mount(server, async (scope) => {
      scope.addHook('onRoute', ({ url }) => void kinds.set(url, kind))
      await routes(scope, deps, surface)
    })
  return server
}

/** Introspection alone, for the apps' own network. */
export function createIntrospectionServer(deps: HttpDeps): HttpServer {
  const surface: Surface = { behindProxy: false, openIntrospection: true }
  const server = createBareServer(deps, surface)
  deps.requests.watch(server, (url) => (introspectPaths.includes(url) ? 'introspection' : undefined))
  mount(server, (scope) => introspection(scope, deps, surface))
  return server
}

/** In a scope of its own, so that one route's body formats are not another's. */
function mount(server: HttpServer, routes: (scope: HttpServer) => Promise<void>): void {
  server.register((scope) => routes(scope as unknown as HttpServer))
}

const kindsOfRoutes: Readonly<
  Record<string, (server: HttpServer, deps: HttpDeps, surface: Surface) => Promise<void>>
> = {
  introspection,
  login,
  logout,
  sso,
  sso_messages: ssoMessages,
  direct_login: directLogin,
  verify,
  token,
  revoke,
  jwks,
  metadata,
  readings,
  technical_tokens: technicalTokenManager,
  private_tokens: privateTokens,
}

/** Names under which answers are counted. */
export const appsRoutes: readonly string[] = Object.keys(kindsOfRoutes)

function createBareServer(deps: HttpDeps, surface: Surface): HttpServer {
  const { log, oauth, options, patientWith, requests } = deps
  const count = requests.counterOf('introspection')
  const first = lookForIntrospection(introspectionOn(oauth, surface), { surface, log, count })
  const server = createHttpServer({ log, first, patientWith, errorBody })
  server.register(cookie)
  tokenCookieLife(server, () => cookieSeconds(options))
  requireAccess(server)
  server.addHook('onError', async (_request, reply, error) => {
    if (error instanceof EdgeError && error.retryAfterMs > 0)
      reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000))
  })
  server.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    if (reply.statusCode === 503) reply.header('retry-after', '2')
  })
  return server
}

type Said = { status: number; code: string; message: string }

function errorBody({ status, code, message }: Said, { routeOptions }: FastifyRequest): object {
  if (!routeOptions.config.oauth) return { type: 'about:blank', title: code, status, code, detail: message }
  const error = status === 401 ? 'invalid_client' : status < 500 ? 'invalid_request' : 'server_error'
  return { error, error_description: message }
}
