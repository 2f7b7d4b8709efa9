import type { preValidationAsyncHookHandler } from 'fastify'
import { EdgeError } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Apps } from '../apps/apps.ts'
import type { Identify } from '../sessions/identify.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sessions/sign-in.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { FirstAdmin } from '../users/first-admin.ts'

/** What the routes ask. */
export interface HttpDeps {
  log: Logger
  random: Random
  apps: Apps
  signIn: SignIn
  identify: Identify
  sessions: Sessions
  tokens: Tokens
  firstAdmin: FirstAdmin
  /** `client_id` of introspection replies. */
  boxId: string
}

/** One way in. */
export interface Surface {
  /** What came this way was passed on by the reverse proxy: its X-Forwarded-… are true. */
  behindProxy: boolean
  /** Introspection without client credentials. */
  openIntrospection: boolean
}

/** Who may call a route: anyone, or whom the function lets through; it throws to refuse. */
export type Access = 'anyone' | preValidationAsyncHookHandler

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
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
