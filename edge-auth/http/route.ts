import { EdgeError } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { ProxySecret } from '../proxy-secret.ts'

/** One way in. */
export interface Surface {
  /** What came this way was passed on by the reverse proxy: its X-Forwarded-… are true. */
  behindProxy: boolean
  /** Elsewhere, this shows that it was. */
  proxySecret?: ProxySecret | undefined
  /** Introspection without client credentials. */
  openIntrospection: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Errors in the shape of RFC 6749. */
    oauth?: true
  }
}

class MethodNotAllowed extends EdgeError {
  override readonly name = 'MethodNotAllowed'
  readonly code = 'method_not_allowed'
  override readonly statusCode = 405
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Says 405 for every method but the allowed ones, before a body is read. */
export function allowOnly(
  server: HttpServer,
  allowed: Method | readonly Method[],
  url: string,
  oauth = false,
): void {
  const allow = [allowed].flat()
  server.route({
    method: methods.filter((method) => !allow.includes(method)),
    url,
    config: { access: 'anyone', ...(oauth ? { oauth } : {}) },
    onRequest: async (_request, reply) => {
      reply.header('allow', allow.join(', '))
      throw new MethodNotAllowed(`only ${allow.join(', ')} is allowed`)
    },
    handler: async () => {},
  })
}

export class CrossOrigin extends EdgeError {
  override readonly name = 'CrossOrigin'
  readonly code = 'cross_origin'
  override readonly statusCode = 403
}
