import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpServer } from '../../core/http-server.ts'
import { accessControl, allowOrigin, listed } from '../options/known.ts'
import type { Options } from '../options/options.ts'
import { oauthPaths } from './oauth-paths.ts'

/** What pages of other origins may call: the APIs for apps and scripts, nothing that a person sees. */
const openPaths: readonly string[] = [
  oauthPaths.token,
  oauthPaths.jwks,
  '/.well-known/oauth-authorization-server',
  '/device/edge/api/v1/login/direct',
  '/api/v1/readings',
]
const openPrefixes = ['/api/rest/', '/api/technicaltokenmanager/']

const allowed = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': 'authorization, content-type, if-match, if-none-match',
  'access-control-max-age': '600',
}
const exposed = 'etag, location, retry-after, www-authenticate'

/**
 * Cross-origin requests, as the option access.control/allow.origin allows them; without it none. An answer
 * to an origin that is not allowed is the same as ever: its browser shows it to nobody.
 */
export function crossOrigin(server: HttpServer, options: Pick<Options, 'get'>): void {
  server.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (!isOpen(request.url.split('?', 1)[0] as string)) return
    reply.header('vary', 'Origin')
    const { origin } = request.headers
    const by = origin === undefined ? undefined : ruleFor(origin, options.get(accessControl, allowOrigin))
    if (origin === undefined || by === undefined) return
    reply.header('access-control-allow-origin', by === '*' ? '*' : origin)
    if (by === origin) reply.header('access-control-allow-credentials', 'true')
    reply.header('access-control-expose-headers', exposed)
    const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method']
    if (isPreflight) return reply.status(204).headers(allowed).send()
  })
}

const isOpen = (path: string): boolean =>
  openPaths.includes(path) || openPrefixes.some((prefix) => path.startsWith(prefix))

/** The entry that allows the origin; an exact one goes before a wildcard. */
export function ruleFor(origin: string, value: string | undefined): string | undefined {
  const rules = listed(value ?? '')
  if (rules.includes(origin) && origin !== '*') return origin
  const host = URL.canParse(origin) ? new URL(origin).hostname : undefined
  const below = rules.find((rule) => rule.startsWith('*.') && host?.endsWith(rule.slice(1)))
  return below ?? rules.find((rule) => rule === '*')
}
