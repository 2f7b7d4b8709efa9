import Type from 'typebox'
import { type HttpServer, Problem } from '../../../core/http-server.ts'
import { adminCookie } from '../passed-on.ts'
import { senderOf } from '../request.ts'
import { type Administrator, direct, keysOf, NotSignedIn, type Policies } from './access.ts'
import type { AdminSessions } from './sessions.ts'

const Credentials = Type.Object(
  {
    ...{ username: Type.String(), password: Type.String() },
    /** A code of the second factor, or a recovery code. */
    totp: Type.Optional(Type.String({ maxLength: 128 })),
  },
  { additionalProperties: false },
)
const Session = Type.Object({
  id: Type.String(),
  user: Type.String(),
  roles: Type.Array(Type.String()),
  permissions: Type.Record(Type.String(), Type.Array(Type.String())),
})
const refusals = { '4xx': Problem, 503: Problem }

/** Signing in and out, and who one is. */
export function ownSession(
  server: HttpServer,
  adminSessions: AdminSessions,
  { sameOrigin, signedIn }: Policies,
  permissionsOf: (user: Administrator['user']) => Administrator['permissions'],
): void {
  server.post(
    '/api/v1/session',
    {
      config: { access: sameOrigin },
      schema: {
        operationId: 'signIn',
        summary: 'Sign in',
        tags: ['session'],
        body: Credentials,
        response: { 201: Type.Object({ ...Session.properties, secret: Type.String() }), ...refusals },
      },
    },
    async (request, reply) => {
      const opened = await adminSessions.open({ ...request.body, sender: senderOf(request, direct) })
      if (!opened) throw new NotSignedIn('user name or password is wrong')
      reply.setCookie(adminCookie, opened.cookie, cookieAttributes)
      const { identity, secret } = opened
      const who = described({ ...identity, permissions: permissionsOf(identity.user) })
      return reply.status(201).send({ ...who, secret })
    },
  )
  server.get(
    '/api/v1/session',
    {
      config: { access: signedIn },
      schema: {
        ...{ operationId: 'getSession', summary: 'Who is signed in, and may do what', tags: ['session'] },
        response: { 200: Session, ...refusals },
      },
    },
    async (request) => described(request.administrator as Administrator),
  )
  server.delete(
    '/api/v1/session',
    {
      config: { access: signedIn },
      schema: {
        ...{ operationId: 'signOut', summary: 'Sign out', tags: ['session'] },
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      await adminSessions.end(keysOf(request))
      reply.clearCookie(adminCookie, cookieAttributes)
      return reply.status(204).send(null)
    },
  )
}

const cookieAttributes = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const

const described = ({ session, user, permissions }: Administrator) => ({
  id: session.id,
  user: user.name,
  roles: [...user.roles],
  permissions: Object.fromEntries(
    Object.entries(permissions).map(([category, held]) => [category, [...held]]),
  ),
})
