import type { preValidationAsyncHookHandler, RouteOptions } from 'fastify'
import type { HttpServer } from './http-server.ts'

/** Who may call a route: anyone, or whom the function lets through; it throws to refuse. Its name is shown. */
export type Access = 'anyone' | preValidationAsyncHookHandler

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyInstance {
    /** Every route, and who may call it; whole once the server is ready. */
    routePolicies: readonly RoutePolicy[]
  }
}

export interface RoutePolicy {
  method: string
  url: string
  /** `anyone`, or the name of the function that decides. */
  access: string
}

/** From here on a route that does not say who may call it stops the start. */
export function requireAccess(server: HttpServer): void {
  const table: RoutePolicy[] = []
  server.decorate('routePolicies', table)
  server.addHook('onRoute', (route) => {
    const access = route.config?.access
    if (access === undefined)
      throw new Error(`route ${route.method} ${route.url} does not say who may call it`)
    for (const method of methodsOf(route))
      table.push({ method, url: route.url, access: access === 'anyone' ? access : access.name })
    if (access !== 'anyone') route.preValidation = [access, ...[route.preValidation ?? []].flat()]
  })
}

const methodsOf = ({ method }: RouteOptions): string[] => [method].flat()
