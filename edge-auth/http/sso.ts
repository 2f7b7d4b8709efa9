import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { NotFound } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Identity } from '../sessions/identify.ts'
import { SecondFactorDue } from '../sessions/sign-in.ts'
import { pendingMs, reasonOf } from '../sso/index.ts'
import { setTokenCookie } from './cookies.ts'
import type { HttpDeps } from './deps.ts'
import { html } from './form.ts'
import { nextPage } from './login-flow.ts'
import { originOf } from './origin.ts'
import { returnPath } from './path.ts'
import { cookiesOf, isSameOrigin, senderOf, tokensOf, userAgentOf } from './request.ts'
import { CrossOrigin, type Surface } from './route.ts'
import {
  leavingPage,
  ssoLinkedPage,
  ssoLinkPath,
  ssoPath,
  ssoRefusedPage,
  ssoStartPath,
} from './sso-pages.ts'
import { chooseLanguage } from './texts.ts'

const Start = Type.Object({ provider: Type.Optional(Type.String()), rd: Type.Optional(Type.Unknown()) })
const Named = Type.Object({ provider: Type.String({ maxLength: 64 }) })

/** What people ask on their way to an identity provider and back. */
export async function sso(server: HttpServer, deps: HttpDeps, surface: Surface): Promise<void> {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null)) // not looked at
  const config = { access: 'anyone' as const }

  server.get(ssoStartPath, { config, schema: { querystring: Start } }, async (request, reply) => {
    const rd = returnPath(request.query.rd)
    const provider = request.query.provider ?? deps.sso.visible()[0]?.name
    if (provider === undefined) throw new NotFound('there is no identity provider')
    const begun = await begin(deps, surface, request, reply, { provider, rd })
    if (begun instanceof URL) return reply.redirect(begun.href, 302)
    return begun
  })

  // By a form of our own page: no other page may begin to link somebody's account.
  server.post(ssoLinkPath, { config, schema: { querystring: Named } }, async (request, reply) => {
    if (!isSameOrigin(request, surface)) throw new CrossOrigin('the request came from another site')
    const link = (await signedIn(deps, request))?.session.id
    const { provider } = request.query
    if (link === undefined) return refused(request, reply, 'expired', undefined)
    const begun = await begin(deps, surface, request, reply, { provider, rd: undefined, link })
    return begun instanceof URL ? html(reply, leavingPage(languageOf(request), begun, provider)) : begun
  })

  server.get(
    `${ssoPath}/callback/:provider`,
    { config, schema: { params: Named } },
    async (request, reply) => {
      const { provider } = request.params
      const search = new URL(request.url, 'https://box.invalid').search
      const name = cookieOf(new URLSearchParams(search).get('state') ?? '')
      const before = await signedIn(deps, request)
      const outcome = await deps.sso.finish({
        ...{ provider, search, sender: senderOf(request, surface), requestId: request.id },
        ...{
          session: before?.session.id,
          sealed: cookiesOf(request).find((one) => one.name === name)?.value,
        },
      })
      reply.clearCookie(name, cookieAttributes)
      if (outcome.is === 'linked') return html(reply, ssoLinkedPage(languageOf(request), provider))
      if (outcome.is === 'refused') {
        const query = new URLSearchParams({
          provider,
          ...(outcome.rd === undefined ? {} : { rd: outcome.rd }),
        })
        return refused(request, reply, outcome.reason, `${ssoStartPath}?${query}`)
      }
      if (outcome.is === 'second_factor') {
        const { due, user, open: elsewhere, rd } = outcome
        const unfinished = new SecondFactorDue(due, { user, renewsPassword: false, elsewhere })
        return html(reply, nextPage({ deps, request, reply, surface, rd }, unfinished))
      }
      setTokenCookie(reply, outcome.token)
      const by = senderOf(request, surface)
      if (before) await deps.sessions.end({ id: before.session.id }, 'signed_in_again', by)
      // The address of this page has a code in it, and another site has sent the browser to it.
      return reply
        .header('referrer-policy', 'no-referrer')
        .redirect(returnPath(outcome.rd) ?? deps.home(), 303)
    },
  )
}

interface Asked {
  provider: string
  rd: string | undefined
  link?: string
}

/** Where to go, or the page that says why not. */
async function begin(
  { sso, log }: HttpDeps,
  surface: Surface,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
): Promise<URL | FastifyReply> {
  try {
    const origin = originOf(request, surface) ?? ''
    const { url, state, sealed } = await sso.begin({ ...asked, origin })
    reply.setCookie(cookieOf(state), sealed, { ...cookieAttributes, maxAge: pendingMs / 1000 })
    reply.header('referrer-policy', 'no-referrer')
    return url
  } catch (error) {
    const reason = error instanceof NotFound ? undefined : reasonOf(error)
    if (reason === undefined) throw error
    const { provider, rd } = asked
    log.warn({ provider, reason, message: (error as Error).message }, 'single sign-on cannot begin')
    const query = new URLSearchParams({ provider, ...(rd === undefined ? {} : { rd }) })
    return refused(request, reply, reason, `${ssoStartPath}?${query}`)
  }
}

type Reason = Parameters<typeof ssoRefusedPage>[1]

const statuses: Readonly<Partial<Record<Reason, number>>> = {
  ...{ no_access: 403, user_disabled: 403, name_taken: 409, linked_already: 409, unreachable: 503 },
}

function refused(
  request: FastifyRequest,
  reply: FastifyReply,
  reason: Reason,
  again: string | undefined,
): FastifyReply {
  reply.status(statuses[reason] ?? 400)
  return html(reply, ssoRefusedPage(languageOf(request), reason, again))
}

async function signedIn({ identify }: HttpDeps, request: FastifyRequest): Promise<Identity | undefined> {
  for (const token of tokensOf(request)) {
    const identity = await identify(token, { userAgent: userAgentOf(request) })
    if (identity) return identity
  }
  return undefined
}

/** One for each tab that is on its way; another tab's does not take its place. */
const cookieOf = (state: string): string =>
  `__Secure-edgeward_sso_${state.slice(0, 16).replace(/[^\w-]/g, '')}`

/** Lax: the provider's page sends the browser back. Apps do not see it. */
const cookieAttributes = { path: ssoPath, secure: true, httpOnly: true, sameSite: 'lax' } as const

const languageOf = ({ headers }: FastifyRequest) => chooseLanguage(headers['accept-language'])
