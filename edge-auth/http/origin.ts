import { type Incoming, isProxied } from './request.ts'
import type { Surface } from './route.ts'

/**
 * Where the asker has found us: as the reverse proxy says, or by its own Host header, which can mislead
 * nobody but itself. Undefined when neither is a host.
 */
export function originOf(request: Incoming, surface: Surface): string | undefined {
  const { headers } = request
  const proxied = isProxied(request, surface)
  const said = (name: string): string | undefined => [headers[name]].flat()[0]
  const scheme = (proxied ? said('x-forwarded-proto') : undefined) ?? 'http'
  const host = (proxied ? said('x-forwarded-host') : undefined) ?? headers.host
  const url = `${scheme}://${host}`
  if (!/^https?$/.test(scheme) || !host || /[/?#@\\\s]/.test(host) || !URL.canParse(url)) return undefined
  return new URL(url).origin
}
