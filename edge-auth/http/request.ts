import type { IncomingHttpHeaders } from 'node:http'
import type { Sender } from '../audit/audit.ts'
import { proxySecretHeader } from '../proxy-secret.ts'
import type { Surface } from './route.ts'

/*
 * What a request says about its sender. X-Forwarded-… and X-Original-… come from the reverse proxy
 * or from nobody: on every other way in they are what a stranger has written.
 */

/** A request as Node gives it, or as Fastify does. */
export interface Incoming {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
}
type Way = Pick<Surface, 'behindProxy' | 'proxySecret'>

/** Passed on by our reverse proxy. */
export const isProxied = ({ headers }: Incoming, { behindProxy, proxySecret }: Way): boolean =>
  behindProxy || (proxySecret?.isIn(headers) ?? false)

export function senderOf(request: Incoming, way: Way): Sender {
  // The last entry is the proxy's own.
  const forwarded = isProxied(request, way)
    ? header(request, 'x-forwarded-for')?.split(',').at(-1)?.trim()
    : undefined
  return { address: forwarded ?? request.socket.remoteAddress, userAgent: userAgentOf(request) }
}

export const userAgentOf = ({ headers }: Incoming): string | undefined => headers['user-agent']?.slice(0, 256)

/**
 * The tokens that a browser's cookies or a program's Authorization header carry. A page below one path
 * can plant a second cookie of the name, so all are looked at, up to a few.
 */
export function tokensOf(request: Pick<Incoming, 'headers'>): string[] {
  const cookies = cookiesOf(request).filter(({ name }) => name === tokenCookie)
  const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return [...cookies.map(({ value }) => value).slice(0, maxTokens), bearer].filter(
    (token) => token !== undefined,
  )
}

export const tokenCookie = 'access_token'
const maxTokens = 4

interface Cookie {
  name: string
  value: string
  /** As it was sent. */
  text: string
}

export function cookiesOf({ headers }: Pick<Incoming, 'headers'>): Cookie[] {
  const pairs = (headers.cookie ?? '').split(';').map((text) => text.trim())
  return pairs
    .filter((text) => text !== '')
    .map((text) => {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(text) ?? []
      return { name: name.trim(), value: value.trim(), text }
    })
}

/**
 * False when a browser says that another site's page has sent this. What sends neither header is not a
 * browser of this decade, and no page can make it send anything.
 */
export function isSameOrigin(request: Incoming, way: Way): boolean {
  const site = header(request, 'sec-fetch-site')
  if (site !== undefined && site !== 'same-origin') return false
  const { origin } = request.headers
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false // "null" too
  const { host, protocol } = new URL(origin)
  const proxied = isProxied(request, way)
  const outside = proxied ? header(request, 'x-forwarded-host') : undefined
  const scheme = proxied ? header(request, 'x-forwarded-proto') : undefined
  if (scheme !== undefined && protocol !== `${scheme}:`) return false
  return host === withoutDefaultPort(outside ?? request.headers.host ?? '', protocol)
}

/** A Host header may name the default port, an origin never does. */
function withoutDefaultPort(host: string, protocol: string): string {
  const url = `${protocol}//${host}`
  return URL.canParse(url) ? new URL(url).host : ''
}

/** What the proxy was asked for, by the names that proxies give it; distinct, so one or none when all is well. */
export function originalRequest(request: Incoming, way: Way): { targets: string[]; methods: string[] } {
  if (!isProxied(request, way)) return { targets: [], methods: [] }
  return {
    targets: distinct(request, ['x-original-uri', 'x-forwarded-uri']),
    methods: distinct(request, ['x-original-method', 'x-forwarded-method']),
  }
}

const forwardedHeader =
  /^(?:x-forwarded-.+|x-original-(?:uri|url|method)|x-real-ip|forwarded|x-auth-(?:user|roles))$/

/** What who is no proxy of ours has said in a proxy's name. */
export function forwardedHeadersOf(request: Incoming, way: Way): string[] {
  if (isProxied(request, way)) return []
  return Object.keys(request.headers).filter(
    (name) => forwardedHeader.test(name) || name === proxySecretHeader,
  )
}

const distinct = (request: Incoming, names: readonly string[]): string[] => [
  ...new Set(names.map((name) => header(request, name)).filter((value) => value !== undefined)),
]

function header({ headers }: Incoming, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
