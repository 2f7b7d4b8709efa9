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

/** Says 405 for every method but the allowed one, before a body is read. */
export function allowOnly(server: HttpServer, method: 'POST', url: string, oauth = false): void {
  server.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url,
    config: { access: 'anyone', ...(oauth ? { oauth } : {}) },
    onRequest: async (_request, reply) => {
      reply.header('allow', method)
      throw new MethodNotAllowed(`only ${method} is allowed`)
    },
    handler: async () => {},
  })
}

export class CrossOrigin extends EdgeError {
  override readonly name = 'CrossOrigin'
  readonly code = 'cross_origin'
  override readonly statusCode = 403
}
