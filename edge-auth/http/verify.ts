import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import type { Decision } from '../guard/guard.ts'
import { basicChallenge, basicUser, isBrowser } from './basic.ts'
import { setTokenCookie } from './cookies.ts'
import { deniedPage } from './denied-page.ts'
import type { HttpDeps } from './deps.ts'
import { contentSecurityPolicy } from './page.ts'
import { appCookies, identityHeaders } from './passed-on.ts'
import { loginFor, loginPath, returnPath } from './path.ts'
import { originalRequest, senderOf, tokensOf, userAgentOf } from './request.ts'
import type { Surface } from './route.ts'
import { chooseLanguage } from './texts.ts'

const Query = Type.Object({ mode: Type.Optional(Type.Literal('redirect')) })
const open = { access: 'anyone' as const }

/**
 * The reverse proxy asks whether a request may pass: 200 with who it is, 401 with where to sign in
 * (already encoded: nginx cannot), or 302 there. 403 for who may not, and for what could mean two things.
 */
export async function verify(server: HttpServer, deps: HttpDeps, surface: Surface): Promise<void> {
  const route = { config: open, schema: { querystring: Query } }
  server.get('/device/edge/auth/verify', route, async (request, reply) => {
    const { targets, methods } = originalRequest(request, surface)
    const tokens = tokensOf(request)
    const user = await basicUser(deps, request, surface)
    const question = { targets, methods, tokens, user, userAgent: userAgentOf(request) }
    const decision = await deps.guard.decide(question)
    if (decision.is === 'pass') return pass(decision, request, reply)
    if (decision.is === 'sign_in') {
      if (deps.loginModes.takesBasic && !isBrowser(request)) reply.header('www-authenticate', basicChallenge)
      return signIn(request, reply, methods[0], decision.target, request.query.mode === 'redirect')
    }
    const { identity, gate, reason } = decision
    const name = identity?.user.name ?? user?.name
    deps.denials.accessDenied({
      ...senderOf(request, surface),
      ...{ user: name, session: identity?.session.id, clientId: gate?.clientId, reason },
      ...{ requestId: request.id, target: targets[0], method: methods[0] },
    })
    return denied(request, reply, name)
  })

  // Where nginx, which takes no body from the decision, sends who was denied.
  server.get('/device/edge/auth/denied', { config: open }, async (request, reply) => {
    for (const token of tokensOf(request)) {
      const identity = await deps.identify(token, { userAgent: userAgentOf(request) })
      if (identity) return denied(request, reply, identity.user.name)
    }
    return denied(request, reply, undefined)
  })
}

function pass(
  { identity, user, roles, gate, renewed }: Decision & { is: 'pass' },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (user) reply.headers(identityHeaders({ user }, roles))
  reply.header('cookie', appCookies(request, gate))
  // The app learns who it is, and not by which password.
  const isByBasic = user !== undefined && !identity
  if (isByBasic) reply.header('x-auth-basic', 'true')
  else if (request.headers.authorization) reply.header('authorization', request.headers.authorization)
  if (renewed !== undefined) setTokenCookie(reply, renewed)
  return reply.status(200).send()
}

function signIn(
  request: FastifyRequest,
  reply: FastifyReply,
  method: string | undefined,
  target: string | undefined,
  redirect: boolean,
): FastifyReply {
  // One comes back by GET, to a page: not to what a form or a script has asked for.
  const back = method === undefined || method === 'GET' || method === 'HEAD' ? returnPath(target) : undefined
  const where = back === undefined ? loginPath : loginFor(back)
  const mode = request.headers['sec-fetch-mode']
  const isPage = mode === undefined || mode === 'navigate'
  if (redirect && isPage) return reply.redirect(where, 302)
  return reply
    .status(401)
    .header('x-auth-redirect', isPage ? where : '')
    .send()
}

function denied(request: FastifyRequest, reply: FastifyReply, user: string | undefined): FastifyReply {
  reply.status(403)
  if (!request.headers.accept?.includes('text/html')) {
    const detail = 'this is not open to you'
    return reply.send({
      type: 'about:blank',
      title: 'access_denied',
      status: 403,
      code: 'access_denied',
      detail,
    })
  }
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', contentSecurityPolicy)
    .header('vary', 'accept, accept-language, cookie')
    .send(deniedPage(chooseLanguage(request.headers['accept-language']), user))
}
