import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import { isPlainTarget, loginFor, loginPath, returnPath } from './path.ts'
import { originalUris, tokensOf } from './request.ts'
import type { HttpDeps, Surface } from './route.ts'

const Query = Type.Object({ mode: Type.Optional(Type.Literal('redirect')) })

/**
 * The reverse proxy asks whether a request may pass: 200 with who it is, 401 with where to sign in
 * (already encoded: nginx cannot), or 302 there. 403 for a target that could mean two things.
 */
export async function verify(server: HttpServer, { identify }: HttpDeps, surface: Surface): Promise<void> {
  const route = { config: { access: 'anyone' as const }, schema: { querystring: Query } }
  server.get('/device/edge/auth/verify', route, async (request, reply) => {
    const targets = originalUris(request, surface)
    if (targets.length > 1 || !targets.every(isPlainTarget)) return reply.status(403).send()
    for (const token of tokensOf(request)) {
      const identity = await identify(token)
      if (!identity) continue
      reply.header('x-auth-user', encodeURIComponent(identity.user.name))
      reply.header('x-auth-roles', identity.user.roles.join(','))
      return reply.status(200).send()
    }
    const back = returnPath(targets[0])
    const signIn = back === undefined ? loginPath : loginFor(back)
    if (request.query.mode === 'redirect') return reply.redirect(signIn, 302)
    return reply.status(401).header('x-auth-redirect', signIn).send()
  })
}
