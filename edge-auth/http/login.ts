import formbody from '@fastify/formbody'
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import { parser } from '../../core/schema.ts'
import type { User } from '../store/index.ts'
import { namePattern } from '../users/users.ts'
import { setTokenCookie } from './cookies.ts'
import type { HttpDeps } from './deps.ts'
import { html, isOwnForm } from './form.ts'
import {
  answerTo,
  firstPage,
  isElsewhere,
  languageOf,
  type Outcome,
  outcomeOf,
  purposeOf,
  ssoStart,
  type Visit,
} from './login-flow.ts'
import { signedInPage } from './login-page.ts'
import { Refusal } from './login-refusals.ts'
import { loginSteps } from './login-steps.ts'
import { loginPath, returnPath } from './path.ts'
import { senderOf, tokensOf, userAgentOf } from './request.ts'
import type { Surface } from './route.ts'
import { secondFactorPart } from './second-factor-pages.ts'
import { ssoLinkButtons } from './sso-pages.ts'

const purpose = { setup: Type.Optional(Type.Unknown()), local: Type.Optional(Type.Unknown()) }
const Query = Type.Object({ rd: Type.Optional(Type.Unknown()), ...purpose })
const Form = Type.Object({
  username: Type.String(),
  password: Type.String(),
  code: Type.Optional(Type.String()),
  form_token: Type.Optional(Type.String()),
  rd: Type.Optional(Type.Unknown()),
  ...purpose,
})
type Form = Static<typeof Form>

const isName = parser(Type.String({ pattern: namePattern }))
const wrong = ['username', 'password']

/** The page for people. It works without JavaScript. */
export async function login(server: HttpServer, deps: HttpDeps, surface: Surface): Promise<void> {
  server.removeAllContentTypeParsers()
  await server.register(formbody)
  const route = { config: { access: 'anyone' as const } }

  server.get(loginPath, { ...route, schema: { querystring: Query } }, async (request, reply) => {
    const rd = returnPath(request.query.rd)
    const visit: Visit = { deps, request, reply, surface, rd }
    const wanted = purposeOf(request.query)
    const user = wanted === 'setup' ? undefined : await signedIn(visit)
    if (user && rd !== undefined) return reply.redirect(rd, 303)
    if (user)
      return html(reply, signedInPage(languageOf(request), user.name, user.roles, further(visit, user)))
    if (isElsewhere(deps) && wanted !== 'local') return reply.redirect(ssoStart(rd), 302)
    return html(reply, firstPage(visit, {}, wanted))
  })

  server.post(loginPath, { ...route, schema: { body: Form } }, async (request, reply) => {
    const { username, rd } = request.body
    const visit: Visit = { deps, request, reply, surface, rd: returnPath(rd) }
    const outcome = await submit(deps, request, surface)
    return answerTo(visit, outcome, ({ message }) =>
      firstPage(visit, { username, message }, purposeOf(request.body)),
    )
  })

  loginSteps(server, deps, surface)
}

/** Who asks, by the cookie; renews it when it is time. */
async function signedIn({ deps, request, reply }: Visit): Promise<User | undefined> {
  for (const token of tokensOf(request)) {
    const identity = await deps.identify(token, { userAgent: userAgentOf(request) })
    if (!identity) continue
    const renewed = await deps.sessions.renewal(identity)
    if (renewed !== undefined) setTokenCookie(reply, renewed)
    return identity.user
  }
  return undefined
}

function submit(
  deps: HttpDeps,
  request: FastifyRequest<{ Body: Form }>,
  surface: Surface,
): Promise<Outcome> | Refusal {
  if (!isOwnForm(request, surface)) return new Refusal(403, 'expired', [])
  const { username, password, code = '' } = request.body
  const { signIn, firstAdmin } = deps
  const sender = senderOf(request, surface)
  const purpose = purposeOf(request.body)
  const attempt = { username, password, method: 'page' as const, sender, setsUp: purpose === 'setup' }
  if (isElsewhere(deps)) {
    if (purpose !== 'local') return new Refusal(403, 'ssoOnly', [])
    return outcomeOf(() => signIn.byBreakGlass(attempt), new Refusal(401, 'wrongBreakGlass', wrong))
  }
  if (!firstAdmin.pending) return outcomeOf(() => signIn(attempt), new Refusal(401, 'wrong', wrong))
  if (isName.faults(username).length > 0) return new Refusal(400, 'badName', ['username'])
  const create = async () => {
    const user = await firstAdmin.create({ code, name: username, password, sender })
    return user && signIn(attempt)
  }
  return outcomeOf(create, new Refusal(401, 'wrongCode', ['code']))
}

/** What else who is signed in can do. */
function further({ deps, request }: Visit, user: User): string {
  const language = languageOf(request)
  const canSetUp = deps.twoFactor.strategy === 'totp' && user.passwordHash !== null && !isElsewhere(deps)
  const factor = canSetUp ? secondFactorPart(language, deps.secondFactors.has(user.name)) : ''
  return `${factor}\n${ssoLinkButtons(language, deps.sso.visible())}`
}
