import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type TObject, type TSchema } from 'typebox'
import { type Caller, type Operations, run } from '../../../core/control.ts'
import { Invalid, PreconditionFailed } from '../../../core/errors.ts'
import { type HttpServer, Problem } from '../../../core/http-server.ts'
import { describe } from '../../../core/schema.ts'
import { may, type Need } from '../../permissions/index.ts'
import type { Policies } from './access.ts'

/** One route of the administration: an operation, by HTTP. Who may call it stands here as well. */
export interface AdminRoute {
  /** operationId in OpenAPI. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below /api/v1, with :params. */
  readonly path: string
  /** Whoever is signed in, or who has the permission. */
  readonly needs: Need | 'signedIn'
  /** The operation itself tells own things from others': who has CREATE may call. */
  readonly owned?: true
  readonly params?: TObject
  readonly query?: TObject
  readonly body?: TObject
  /** 204 when absent, and when the operation answers nothing. */
  readonly answer?: TSchema
  readonly created?: true
  /** The answer's revision is the ETag; If-Match becomes `ifRevision`. */
  readonly revisioned?: true
  /** PUT makes what is not there: If-None-Match: * becomes `ifRevision` 0, If-Match: * becomes `mustExist`. */
  readonly puts?: true
  /** What a change answers was made by it, such as a secret: who may not read gets it, too. */
  readonly answersResult?: true
  readonly operation: string
  /** What the operation is given; by default params, query and body in one object. */
  readonly input?: (given: Given) => object
  readonly summary: string
  /** Values with which the route can be called: for the description, and for the matrix of permissions. */
  readonly example?: { readonly params?: object; readonly query?: object; readonly body?: object }
}

/** What came with a request, checked by the schemas of its route. */
export interface Given {
  // biome-ignore lint/suspicious/noExplicitAny: each route knows its own schemas
  readonly params: any
  // biome-ignore lint/suspicious/noExplicitAny: each route knows its own schemas
  readonly query: any
  // biome-ignore lint/suspicious/noExplicitAny: each route knows its own schemas
  readonly body: any
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks for, as the description of the API shows it. */
    permission?: Need & { readonly own?: true }
  }
}

export interface RouteTableDeps {
  operations: Operations
  policies: Policies
}

/** Adds the routes; each asks who calls before the operation asks again. */
export function addRoutes(
  server: HttpServer,
  routes: readonly AdminRoute[],
  { operations, policies }: RouteTableDeps,
): void {
  for (const route of routes) {
    const { method, path, needs } = route
    const owned = route.owned === true
    const permission = needs === 'signedIn' ? {} : { permission: { ...needs, ...(owned && { own: owned }) } }
    server.route({
      ...{ method, url: `/api/v1${path}`, schema: schemaOf(route) },
      config: { access: policies.needing(needs, owned), ...permission },
      schemaErrorFormatter: (errors, place) => {
        const details = errors.map(({ instancePath, ...error }) =>
          `${instancePath} ${describe(error as unknown as Parameters<typeof describe>[0])}`.trim(),
        )
        return new Invalid(`${place}: ${details.join('; ')}`, { details })
      },
      handler: async (request, reply) => {
        const result = await run(operations, route.operation, inputOf(route, request), callerOf(request))
        return answer(route, request, reply, result)
      },
    })
  }
}

function schemaOf({ id, summary, params, query, body, answer, created, path, example }: AdminRoute): object {
  const empty = Type.Object({}, { additionalProperties: false })
  const content = answer ?? Type.Null()
  const parts = { params, querystring: query ?? empty, body }
  return {
    ...{ operationId: id, summary, tags: [path.split('/')[1]] },
    ...Object.fromEntries(Object.entries(parts).filter(([, schema]) => schema !== undefined)),
    ...(example && { examples: [example] }),
    response: {
      [answer ? (created ? 201 : 200) : 204]: content,
      ...(answer ? { 204: Type.Null() } : {}),
      ...{ '4xx': Problem, 503: Problem },
    },
  }
}

function inputOf(route: AdminRoute, request: FastifyRequest): object {
  const { params, query, body: sent } = request as unknown as Given
  const body = route.body && sent // what no schema has looked at is not looked at
  const plain = route.input ? route.input({ params, query, body }) : { ...params, ...query, ...body }
  return route.revisioned && route.method !== 'GET' ? { ...plain, ...condition(route, request) } : plain
}

/** What the caller believes of the thing to be changed, RFC 9110 13.1. */
function condition({ puts }: AdminRoute, { headers }: FastifyRequest): object {
  const [match, none] = [headers['if-match']?.trim(), headers['if-none-match']?.trim()]
  if (none !== undefined && !(puts && none === '*' && match === undefined))
    throw new Invalid('If-None-Match can only be * here, and alone', { cure: 'Use If-Match with an ETag.' })
  if (none !== undefined) return { ifRevision: 0 }
  if (match === undefined) return {}
  if (match === '*') return puts ? { mustExist: true } : {}
  const revision = /^"(\d{1,15})"$/.exec(match)?.[1]
  if (revision === undefined || revision === '0') throw new PreconditionFailed(`${match} is not its ETag`)
  return { ifRevision: Number(revision) }
}

/** Who may change a thing and not see it learns only that it was done. */
function answer(
  route: AdminRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  result: unknown,
): FastifyReply {
  if (route.revisioned) {
    const revision = (result as { revision?: number } | undefined)?.revision
    if (revision !== undefined) reply.header('etag', `"${revision}"`)
  }
  const nothing = isUnseen(result) || !route.answer || !maySee(route, request)
  if (nothing) return reply.status(204).send(null)
  return reply.status(route.created ? 201 : 200).send(result)
}

/** An operation, too, says no more than the revision to who may not see the thing. */
const isUnseen = (result: unknown): boolean =>
  result === undefined || Object.keys(result ?? {}).join() === 'revision'

function maySee({ needs, owned, answersResult }: AdminRoute, request: FastifyRequest): boolean {
  if (needs === 'signedIn' || needs.act === 'read' || answersResult) return true
  return may(request.administrator?.permissions ?? {}, { ...needs, act: 'read' }, owned === true)
}

function callerOf(request: FastifyRequest): Caller {
  const { administrator, socket, id } = request
  if (!administrator) throw new Error('the route let somebody in whom it does not know')
  return { user: administrator.user.name, address: socket.remoteAddress, requestId: id }
}
