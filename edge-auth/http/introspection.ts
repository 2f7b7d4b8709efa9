import formbody from '@fastify/formbody'
import type { preValidationAsyncHookHandler } from 'fastify'
import Type, { type Static } from 'typebox'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Apps } from '../apps/apps.ts'
import { allowOnly, type HttpDeps, type Surface } from './route.ts'

const IntrospectionRequest = Type.Object({ token: Type.String({ minLength: 1 }) })

/** RFC 7662, with the members that edge apps know. */
const Active = Type.Object({
  active: Type.Literal(true),
  scope: Type.String(),
  client_id: Type.String(),
  sub: Type.String(),
  exp: Type.Integer(),
  iat: Type.Integer(),
  nbf: Type.Integer(),
  aud: Type.Array(Type.String()),
  iss: Type.String(),
  token_type: Type.String(),
  token_use: Type.String(),
  ext: Type.Object({ roles: Type.Array(Type.String()) }),
})
/** The same for every cause. */
const Inactive = Type.Object({ active: Type.Literal(false) })
type Introspection = Static<typeof Active> | Static<typeof Inactive>

export async function introspection(
  server: HttpServer,
  deps: HttpDeps,
  { openIntrospection }: Surface,
): Promise<void> {
  server.removeAllContentTypeParsers()
  await server.register(formbody)
  const access = appCredentials(deps.apps, { required: !openIntrospection })
  for (const url of ['/device/edge/auth/oauth2/introspect', '/device/edge/auth/oauth2/introspect/']) {
    allowOnly(server, 'POST', url, true)
    server.post(
      url,
      { config: { access, oauth: true }, schema: { body: IntrospectionRequest } },
      async ({ body }) => introspect(deps, body.token),
    )
  }
}

async function introspect({ identify, boxId }: HttpDeps, token: string): Promise<Introspection> {
  const identity = await identify(token)
  if (!identity) return { active: false }
  const { claims, user } = identity
  return {
    active: true,
    scope: claims.scp.join(' '),
    client_id: boxId,
    sub: claims.sub,
    exp: claims.exp,
    iat: claims.iat,
    nbf: claims.nbf,
    aud: [],
    iss: claims.iss,
    token_type: 'Bearer',
    token_use: 'access_token',
    ext: { roles: [...user.roles] },
  }
}

class InvalidClient extends EdgeError {
  override readonly name = 'InvalidClient'
  readonly code = 'invalid_client'
  override readonly statusCode = 401
}

/**
 * Client authentication by RFC 6749 2.3.1, one method at a time. Credentials that are given must be
 * good even where none are required.
 */
function appCredentials(apps: Apps, { required }: { required: boolean }): preValidationAsyncHookHandler {
  return async (request, reply) => {
    const { client_id: id, client_secret: secret } = (request.body ?? {}) as Record<string, unknown>
    const inBody = id !== undefined || secret !== undefined
    const basic = /^Basic +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (basic !== undefined && inBody) throw new Invalid('client credentials are given twice')
    if (basic === undefined && !inBody && !required) return

    const given = basic === undefined ? [id, secret] : decodeBasic(basic)
    const [clientId, clientSecret] = given
    if (
      typeof clientId === 'string' &&
      typeof clientSecret === 'string' &&
      apps.authenticate(clientId, clientSecret)
    )
      return
    reply.header('www-authenticate', 'Basic realm="edgeward"')
    throw new InvalidClient('client credentials are missing or wrong')
  }
}

function decodeBasic(basic: string): (string | undefined)[] {
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? []
  return [id, secret].map(decodeFormText)
}

/** RFC 6749: both halves are form-encoded before they are joined. */
function decodeFormText(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
