import cookie from '@fastify/cookie'
import type { FastifyRequest, preValidationAsyncHookHandler } from 'fastify'
import Type, { type Static } from 'typebox'
import { type Operations, run } from '../../core/control.ts'
import { EdgeError } from '../../core/errors.ts'
import { type HttpServer, Problem } from '../../core/http-server.ts'
import { admin } from '../permissions/index.ts'
import type { Identity } from '../sessions/identify.ts'
import type { AdminKeys, AdminSessions } from './admin-sessions.ts'
import { adminCookie } from './passed-on.ts'
import { isSameOrigin, senderOf, userAgentOf } from './request.ts'
import { CrossOrigin } from './route.ts'

export const adminSecretHeader = 'x-edgeward-admin'

export interface AdminDeps {
  adminSessions: AdminSessions
  /** What the administration can ask for: the same as the commands. */
  operations: Operations
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is signed in to the administration, on routes that ask. */
    administrator?: Identity
  }
}

class NotSignedIn extends EdgeError {
  override readonly name = 'NotSignedIn'
  readonly code = 'not_signed_in'
  override readonly statusCode = 401
}

class RoleMissing extends EdgeError {
  override readonly name = 'RoleMissing'
  readonly code = 'role_missing'
  override readonly statusCode = 403
}

const Credentials = Type.Object(
  { username: Type.String(), password: Type.String() },
  { additionalProperties: false },
)
const Session = Type.Object({ id: Type.String(), user: Type.String(), roles: Type.Array(Type.String()) })
const Sessions = Type.Array(
  Type.Object({
    id: Type.String(),
    user: Type.String(),
    createdAt: Type.Number(),
    expiresAt: Type.Number(),
    address: Type.Union([Type.String(), Type.Null()]),
    userAgent: Type.Union([Type.String(), Type.Null()]),
  }),
)
const AuditQuery = Type.Object(
  {
    user: Type.Optional(Type.String()),
    type: Type.Optional(Type.String()),
    since: Type.Optional(Type.String({ pattern: '^\\d{1,16}$', description: 'Epoch milliseconds.' })),
    before: Type.Optional(
      Type.String({ pattern: '^\\d{1,16}$', description: 'The `next` of the page before.' }),
    ),
  },
  { additionalProperties: false },
)
const AuditPage = Type.Object({
  entries: Type.Array(
    Type.Object({ id: Type.Number(), type: Type.String() }, { additionalProperties: true }),
  ),
  next: Type.Optional(Type.Number()),
})

const refusals = { '4xx': Problem, 503: Problem }

/** The routes of the admin listener that are about users; each needs cookie and secret header. */
export async function administration(
  server: HttpServer,
  { adminSessions, operations }: AdminDeps,
): Promise<void> {
  if (!server.hasDecorator('routePolicies')) throw new Error('this server asks nobody who calls')
  await server.register(cookie)
  const access = policies(adminSessions)
  ownSession(server, adminSessions, access)
  oversight(server, operations, access)
}

/** Signing in and out, and who one is. */
function ownSession(server: HttpServer, adminSessions: AdminSessions, { signedIn }: Policies): void {
  server.post(
    '/api/v1/session',
    {
      config: { access: sameOrigin },
      schema: {
        operationId: 'signIn',
        body: Credentials,
        response: { 201: Type.Object({ ...Session.properties, secret: Type.String() }), ...refusals },
      },
    },
    async (request, reply) => {
      const opened = await adminSessions.open({ ...request.body, sender: senderOf(request, direct) })
      if (!opened) throw new NotSignedIn('user name or password is wrong')
      reply.setCookie(adminCookie, opened.cookie, cookieAttributes)
      return reply.status(201).send({ ...described(opened.identity), secret: opened.secret })
    },
  )
  server.get(
    '/api/v1/session',
    {
      config: { access: signedIn },
      schema: { operationId: 'getSession', response: { 200: Session, ...refusals } },
    },
    async (request) => described(request.administrator as Identity),
  )
  server.delete(
    '/api/v1/session',
    {
      config: { access: signedIn },
      schema: { operationId: 'signOut', response: { 204: Type.Null(), ...refusals } },
    },
    async (request, reply) => {
      await adminSessions.end(keysOf(request))
      reply.clearCookie(adminCookie, cookieAttributes)
      return reply.status(204).send(null)
    },
  )
}

/** The sessions of all, and what has happened. */
function oversight(server: HttpServer, operations: Operations, { administrator }: Policies): void {
  server.get(
    '/api/v1/sessions',
    {
      config: { access: administrator },
      schema: { operationId: 'listSessions', response: { 200: Sessions, ...refusals } },
    },
    async () => (await run(operations, 'session.list', {})) as Static<typeof Sessions>,
  )
  server.delete(
    '/api/v1/sessions/:id',
    {
      config: { access: administrator },
      schema: {
        operationId: 'endSession',
        params: Type.Object({ id: Type.String() }),
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async ({ params }, reply) => {
      await run(operations, 'session.end', { id: params.id })
      return reply.status(204).send(null)
    },
  )
  server.get(
    '/api/v1/audit',
    {
      config: { access: administrator },
      schema: {
        operationId: 'listAudit',
        querystring: AuditQuery,
        response: { 200: AuditPage, ...refusals },
      },
    },
    async ({ query: { since, before, ...query } }) => {
      const numbers = { ...(since && { since: Number(since) }), ...(before && { before: Number(before) }) }
      return (await run(operations, 'audit.list', { ...query, ...numbers })) as Static<typeof AuditPage>
    },
  )
}

/** The admin listener is behind no proxy of ours. */
const direct = { behindProxy: false }
const cookieAttributes = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const

/** A page of another origin, an app's on the same host included, can ask for nothing here. */
const sameOrigin: preValidationAsyncHookHandler = async function sameOrigin(request) {
  if (!isSameOrigin(request, direct)) throw new CrossOrigin('the request came from another site')
}

type Policies = ReturnType<typeof policies>

function policies(adminSessions: AdminSessions) {
  const identified = async (request: FastifyRequest): Promise<Identity> => {
    if (!isSameOrigin(request, direct)) throw new CrossOrigin('the request came from another site')
    const identity = await adminSessions.find(keysOf(request), { userAgent: userAgentOf(request) })
    if (!identity) throw new NotSignedIn('cookie or secret header is missing, or no longer good')
    request.administrator = identity
    return identity
  }
  return {
    signedIn: async function signedIn(request: FastifyRequest) {
      await identified(request)
    },
    administrator: async function administrator(request: FastifyRequest) {
      const { user } = await identified(request)
      if (!user.roles.includes(admin)) throw new RoleMissing(`this needs the role ${admin}`)
    },
  }
}

function keysOf({ cookies, headers }: FastifyRequest): Partial<AdminKeys> {
  const secret = headers[adminSecretHeader]
  const value = cookies[adminCookie]
  return { ...(value && { cookie: value }), ...(typeof secret === 'string' && { secret }) }
}

const described = ({ session, user }: Identity) => ({
  id: session.id,
  user: user.name,
  roles: [...user.roles],
})
