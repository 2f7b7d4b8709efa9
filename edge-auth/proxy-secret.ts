import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Invalid } from '../core/errors.ts'

/** By which a proxy that comes over TCP shows that it is one. */
export interface ProxySecret {
  /** Constant time in what was sent. */
  isIn(headers: IncomingHttpHeaders): boolean
}

export const proxySecretHeader = 'x-edgeward-proxy'

/** `secret` as it stands in its file. Throws `Invalid` for one that could be guessed. */
export function createProxySecret(secret: string): ProxySecret {
  const text = secret.trim()
  if (!/^[\x21-\x7e]{32,256}$/.test(text))
    throw new Invalid('auth.proxy_secret_file does not hold 32 to 256 visible characters in one line', {
      cure: 'Make one, e.g. by "openssl rand -hex 32".',
    })
  const expected = digest(text)
  return {
    isIn(headers) {
      const sent = headers[proxySecretHeader]
      return typeof sent === 'string' && timingSafeEqual(digest(sent), expected)
    },
  }
}

/** Digests have one length, whatever was sent. */
const digest = (text: string): Uint8Array => createHash('sha256').update(text).digest()
