import type { FastifyRequest } from 'fastify'
import type { Sender } from '../audit.ts'
import type { Surface } from './route.ts'

/*
 * What a request says about its sender. X-Forwarded-… and X-Original-URI come from the reverse proxy
 * or from nobody: on every other way in they are what a stranger has written.
 */

export function senderOf(request: FastifyRequest, { behindProxy }: Surface): Sender {
  // The last entry is the proxy's own.
  const forwarded = behindProxy ? header(request, 'x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  return {
    address: forwarded ?? request.socket.remoteAddress,
    userAgent: request.headers['user-agent']?.slice(0, 256),
  }
}

/** The token that a browser's cookie or a program's Authorization header carries. */
export function tokensOf(request: FastifyRequest): string[] {
  const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return [request.cookies[tokenCookie], bearer].filter((token) => token !== undefined)
}

export const tokenCookie = 'access_token'

/**
 * False when a browser says that another site's page has sent this. What sends neither header is not a
 * browser of this decade, and no page can make it send anything.
 */
export function isSameOrigin(request: FastifyRequest, { behindProxy }: Surface): boolean {
  const site = header(request, 'sec-fetch-site')
  if (site !== undefined && site !== 'same-origin') return false
  const { origin } = request.headers
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false // "null" too
  const { host, protocol } = new URL(origin)
  const outside = behindProxy ? header(request, 'x-forwarded-host') : undefined
  const scheme = behindProxy ? header(request, 'x-forwarded-proto') : undefined
  if (scheme !== undefined && protocol !== `${scheme}:`) return false
  return host === withoutDefaultPort(outside ?? request.headers.host ?? '', protocol)
}

/** A Host header may name the default port, an origin never does. */
function withoutDefaultPort(host: string, protocol: string): string {
  const url = `${protocol}//${host}`
  return URL.canParse(url) ? new URL(url).host : ''
}

/** What the proxy was asked for, by the names that proxies give it; distinct, so one or none when all is well. */
export function originalUris(request: FastifyRequest, { behindProxy }: Surface): string[] {
  if (!behindProxy) return []
  const uris = [header(request, 'x-original-uri'), header(request, 'x-forwarded-uri')]
  return [...new Set(uris.filter((uri) => uri !== undefined))]
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
