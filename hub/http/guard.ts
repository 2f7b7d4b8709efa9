import type { FastifyRequest } from 'fastify'
import { Forbidden, NotFound } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { InvalidAuthorizationHeader, Unauthorized } from '../errors.ts'
import type { Agent, Registry } from '../registry/index.ts'
import type { TechnicalTokens } from '../technical-tokens/index.ts'
import type { Tokens } from '../tokens/index.ts'
import { permissionFor } from './technical-access.ts'

/** Whose rights a request has: a tenant's or some of them, or one agent's own. */
export interface Caller {
  tenant: string
  agentId?: string
}

/**
 * Hooks that let a request in before its body is read, and what handlers may then see. Technical tokens
 * come in as their tenant, where its routes have a permission in technical-access.ts that the token has.
 */
export interface Guard {
  tenant(request: FastifyRequest): Promise<void>
  agent(request: FastifyRequest): Promise<void>
  tenantOrAgent(request: FastifyRequest): Promise<void>
  callerOf(request: FastifyRequest): Caller
  /** The agent in the path. Throws `NotFound` also for one that the caller has no right to know of. */
  agentOf(request: FastifyRequest & { params: { id: string } }): Promise<Agent>
  /** The agent of that id, under the same conditions. */
  ownAgent(request: FastifyRequest, id: string): Promise<Agent>
}

export function createGuard(
  server: HttpServer,
  {
    tokens,
    technicalTokens,
    registry,
  }: { tokens: Tokens; technicalTokens: TechnicalTokens; registry: Registry },
): Guard {
  server.decorateRequest('caller', undefined)
  const callerOf = (request: FastifyRequest) => request.getDecorator<Caller>('caller')
  const admit = async (request: FastifyRequest, verify: (token: string) => Promise<Caller | undefined>) => {
    const token = readBearer(request)
    const caller = token === undefined ? undefined : ((await verify(token)) ?? (await ofApp(request, token)))
    if (!caller) throw new Unauthorized()
    request.setDecorator('caller', caller)
  }
  async function ofApp({ method, routeOptions }: FastifyRequest, token: string): Promise<Caller | undefined> {
    const principal = await technicalTokens.verify(token)
    if (!principal) return undefined
    const permission = permissionFor(method, routeOptions.url)
    if (permission === undefined || !principal.permissions.includes(permission))
      throw new Forbidden('The access of the application does not cover this call.')
    return { tenant: principal.tenant }
  }
  async function ownAgent(request: FastifyRequest, id: string): Promise<Agent> {
    const { tenant, agentId } = callerOf(request)
    const agent = await registry.call('findAgent', id)
    if (agent?.tenant !== tenant || (agentId ?? id) !== id) throw new NotFound('Resource not found.')
    return agent
  }
  return {
    agent: (request) => admit(request, tokens.verifyAgent),
    tenant: (request) => admit(request, tokens.verifyService),
    tenantOrAgent: (request) =>
      admit(request, async (token) => (await tokens.verifyService(token)) ?? tokens.verifyAgent(token)),
    callerOf,
    agentOf: (request) => ownAgent(request, request.params.id),
    ownAgent,
  }
}

export function readBearer({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** Throws `InvalidAuthorizationHeader`. */
export function requireBearer(request: FastifyRequest): string {
  const token = readBearer(request)
  if (token === undefined) throw new InvalidAuthorizationHeader('Bearer')
  return token
}

/** Throws `InvalidAuthorizationHeader`. */
export function requireBasic({ headers }: FastifyRequest): { clientId: string; secret: string } {
  const credentials = basicIn(headers.authorization)
  if (!credentials) throw new InvalidAuthorizationHeader('Basic')
  return credentials
}

/** Undefined where a header does not hold both. */
export function basicIn(
  header: string | string[] | undefined,
): { clientId: string; secret: string } | undefined {
  const encoded = /^Basic +(\S+)$/i.exec(String(header ?? ''))?.[1]
  const [, clientId, secret] = /^([^:]+):(.+)$/.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? []
  return clientId === undefined || secret === undefined ? undefined : { clientId, secret }
}
