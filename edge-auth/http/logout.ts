import type { HttpServer } from '../../core/http-server.ts'
import { endTokenCookie } from './cookies.ts'
import { loginPath } from './path.ts'
import { isSameOrigin, tokensOf } from './request.ts'
import { allowOnly, CrossOrigin, type HttpDeps, type Surface } from './route.ts'

const path = '/device/edge/auth/logout'

/** When this answers, the session is ended on disk and no longer passes anywhere. */
export async function logout(
  server: HttpServer,
  { identify, sessions }: HttpDeps,
  surface: Surface,
): Promise<void> {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null)) // not looked at
  allowOnly(server, 'POST', path)
  server.post(path, { config: { access: 'anyone' } }, async (request, reply) => {
    if (!isSameOrigin(request, surface)) throw new CrossOrigin('the request came from another site')
    for (const token of tokensOf(request)) {
      const identity = await identify(token)
      if (identity) await sessions.end({ id: identity.session.id }, 'signed_out')
    }
    endTokenCookie(reply)
    if (request.headers.accept?.includes('text/html')) return reply.redirect(loginPath, 303)
    return reply.status(204).send()
  })
}
