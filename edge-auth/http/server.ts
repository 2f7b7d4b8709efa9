import cookie from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'
import { createHttpServer, type HttpServer } from '../../core/http-server.ts'
import type { Logger } from '../../core/log.ts'
import { directLogin } from './direct-login.ts'
import { introspection } from './introspection.ts'
import { jwks } from './jwks.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import type { HttpDeps, Surface } from './route.ts'
import { verify } from './verify.ts'

/** What people, scripts, apps and the reverse proxy ask. */
export function createAppsServer(deps: HttpDeps, surface: Surface): HttpServer {
  const server = createBareServer(deps.log)
  for (const routes of [introspection, login, logout, directLogin, verify, jwks])
    mount(server, (scope) => routes(scope, deps, surface))
  return server
}

/** Introspection alone, for the apps' own network. */
export function createIntrospectionServer(deps: HttpDeps): HttpServer {
  const server = createBareServer(deps.log)
  mount(server, (scope) => introspection(scope, deps, { behindProxy: false, openIntrospection: true }))
  return server
}

/** In a scope of its own, so that one route's body formats are not another's. */
function mount(server: HttpServer, routes: (scope: HttpServer) => Promise<void>): void {
  server.register((scope) => routes(scope as unknown as HttpServer))
}

function createBareServer(log: Logger): HttpServer {
  const server = createHttpServer({ log, errorBody })
  server.register(cookie)
  server.addHook('onRoute', (route) => {
    const access = route.config?.access
    if (access === undefined)
      throw new Error(`route ${route.method} ${route.url} does not say who may call it`)
    if (access !== 'anyone') route.preValidation = [access, ...[route.preValidation ?? []].flat()]
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
