import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import type { Identity } from '../sessions/identify.ts'
import { endTokenCookie } from './cookies.ts'
import type { HttpDeps } from './deps.ts'
import { html } from './form.ts'
import { originOf } from './origin.ts'
import { loginPath, logoutPath } from './path.ts'
import { isSameOrigin, senderOf, tokensOf, userAgentOf } from './request.ts'
import { allowOnly, CrossOrigin, type Surface } from './route.ts'
import { leavingPage } from './sso-pages.ts'
import { chooseLanguage } from './texts.ts'

const Query = Type.Object({ everywhere: Type.Optional(Type.Enum(['0', '1'])) })

/**
 * When this answers, the session is ended on disk and no longer passes anywhere; with `?everywhere=1` all
 * sessions of that user.
 */
export async function logout(
  server: HttpServer,
  { identify, sessions, users, sso }: HttpDeps,
  surface: Surface,
): Promise<void> {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null)) // not looked at
  allowOnly(server, 'POST', logoutPath)
  const route = { config: { access: 'anyone' as const }, schema: { querystring: Query } }
  server.post(logoutPath, route, async (request, reply) => {
    if (!isSameOrigin(request, surface)) throw new CrossOrigin('the request came from another site')
    const origin = originOf(request, surface) ?? ''
    const isPage = request.headers.accept?.includes('text/html') ?? false
    let elsewhere: URL | undefined
    const end = async ({ user, session }: Identity): Promise<void> => {
      const by = senderOf(request, surface)
      if (request.query.everywhere === '1') await users.endSessions(user.name, 'signed_out_everywhere', by)
      else await sessions.end({ id: session.id }, 'signed_out', by)
    }
    for (const token of tokensOf(request)) {
      const identity = await identify(token, { userAgent: userAgentOf(request) })
      if (!identity) continue
      // Asked before: what it takes goes with the session.
      const { user, session } = identity
      if (isPage) elsewhere ??= await sso.endUrl({ id: session.id, user: user.name }, origin + loginPath)
      await end(identity)
    }
    endTokenCookie(reply)
    if (elsewhere) return html(reply, leavingPage(languageOf(request), elsewhere, elsewhere.host))
    if (isPage) return reply.redirect(loginPath, 303)
    return reply.status(204).send()
  })
}

const languageOf = ({ headers }: FastifyRequest) => chooseLanguage(headers['accept-language'])
