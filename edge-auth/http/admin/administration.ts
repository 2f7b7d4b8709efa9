import cookie from '@fastify/cookie'
import type { Operations } from '../../../core/control.ts'
import type { HttpServer } from '../../../core/http-server.ts'
import { type AccessDeps, createPolicies } from './access.ts'
import { ownSession } from './own-session.ts'
import { addRoutes } from './route-table.ts'
import { adminRoutes } from './routes.ts'

export interface AdminDeps extends AccessDeps {
  /** What the administration can ask for: the same as the commands. */
  operations: Operations
}

/** The routes of the admin listener that ask who calls; each needs cookie and secret header. */
export async function administration(server: HttpServer, deps: AdminDeps): Promise<void> {
  if (!server.hasDecorator('routePolicies')) throw new Error('this server asks nobody who calls')
  await server.register(cookie)
  server.addHook('onSend', async (_request, reply) => {
    const isError = reply.statusCode >= 400 && `${reply.getHeader('content-type')}`.includes('json')
    if (isError) reply.header('content-type', 'application/problem+json; charset=utf-8')
  })
  const policies = createPolicies(deps)
  ownSession(server, deps.adminSessions, policies, deps.permissionsOf)
  addRoutes(server, adminRoutes, { operations: deps.operations, policies })
}
