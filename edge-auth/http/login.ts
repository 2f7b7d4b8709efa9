import { timingSafeEqual } from 'node:crypto'
import formbody from '@fastify/formbody'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { Conflict, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import { parser } from '../../core/schema.ts'
import { HashingBusy } from '../users/passwords.ts'
import { namePattern } from '../users/users.ts'
import { formCookie, setFormCookie, setTokenCookie } from './cookies.ts'
import {
  contentSecurityPolicy,
  type FormState,
  firstAdminPage,
  signedInPage,
  signInPage,
} from './login-page.ts'
import { loginPath, returnPath } from './path.ts'
import { isSameOrigin, senderOf, tokensOf } from './request.ts'
import type { HttpDeps, Surface } from './route.ts'
import { chooseLanguage, type Texts } from './texts.ts'

const Query = Type.Object({ rd: Type.Optional(Type.Unknown()) })
const Form = Type.Object({
  username: Type.String(),
  password: Type.String(),
  code: Type.Optional(Type.String()),
  form_token: Type.Optional(Type.String()),
  rd: Type.Optional(Type.Unknown()),
})
type Form = Static<typeof Form>

const isName = parser(Type.String({ pattern: namePattern }))

/** Why a form comes back; the message does not tell one cause from another where that would help a guesser. */
type Refusal = { status: 400 | 401 | 403 | 409 | 503; message: keyof Texts }

/** The page for people. It works without JavaScript. */
export async function login(server: HttpServer, deps: HttpDeps, surface: Surface): Promise<void> {
  server.removeAllContentTypeParsers()
  await server.register(formbody)

  server.get(
    loginPath,
    { config: { access: 'anyone' }, schema: { querystring: Query } },
    async (request, reply) => {
      const rd = returnPath(request.query.rd)
      for (const token of tokensOf(request)) {
        const identity = await deps.identify(token)
        if (!identity) continue
        if (rd !== undefined) return reply.redirect(rd, 303)
        const { name, roles } = identity.user
        return html(reply, signedInPage(chooseLanguage(request.headers['accept-language']), name, roles))
      }
      return html(reply, formPage(deps, request, reply, { rd }))
    },
  )

  server.post(loginPath, { config: { access: 'anyone' }, schema: { body: Form } }, async (request, reply) => {
    const rd = returnPath(request.body.rd)
    const result = await submit(deps, request, surface)
    if ('token' in result) {
      setTokenCookie(reply, result.token)
      return reply.redirect(rd ?? loginPath, 303)
    }
    const { username } = request.body
    const content = formPage(deps, request, reply, { rd, username, message: result.message })
    return html(reply.status(result.status), content)
  })
}

type Submission = FastifyRequest<{ Body: Form }>

async function submit(
  { signIn, firstAdmin }: HttpDeps,
  request: Submission,
  surface: Surface,
): Promise<{ token: string } | Refusal> {
  if (!isSameOrigin(request, surface) || !isOwnForm(request)) return { status: 403, message: 'expired' }
  const { username, password, code = '' } = request.body
  try {
    if (firstAdmin.pending) {
      if (isName.faults(username).length > 0) return { status: 400, message: 'badName' }
      if (!(await firstAdmin.create({ code, name: username, password })))
        return { status: 401, message: 'wrongCode' }
    }
    const signedIn = await signIn({ username, password, method: 'page', sender: senderOf(request, surface) })
    return signedIn ?? { status: 401, message: 'wrong' }
  } catch (error) {
    if (error instanceof HashingBusy) return { status: 503, message: 'busy' }
    if (error instanceof Invalid) return { status: 400, message: 'badPassword' }
    if (error instanceof Conflict) return { status: 409, message: 'expired' } // somebody else was first
    throw error
  }
}

/** Another site can make a browser send a form, but neither read our cookie nor set it. */
function isOwnForm(request: Submission): boolean {
  const cookie = Buffer.from(request.cookies[formCookie] ?? '')
  const field = Buffer.from(request.body.form_token ?? '')
  return cookie.length > 0 && cookie.length === field.length && timingSafeEqual(cookie, field)
}

function formPage(
  { firstAdmin, random }: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  state: Pick<FormState, 'rd' | 'username' | 'message'>,
): string {
  const formToken = formTokenFor(request, random)
  setFormCookie(reply, formToken)
  const form = { ...state, formToken, language: chooseLanguage(request.headers['accept-language']) }
  return firstAdmin.pending ? firstAdminPage(form) : signInPage(form)
}

/** Tabs share a cookie, so they share its value; otherwise only the last one opened would work. */
function formTokenFor({ cookies }: FastifyRequest, random: Random): string {
  const known = cookies[formCookie]
  return known !== undefined && /^[\w-]{43}$/.test(known) ? known : randomSecret(random)
}

const html = (reply: FastifyReply, content: string): FastifyReply =>
  reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', contentSecurityPolicy)
    .header('referrer-policy', 'same-origin')
    .header('vary', 'accept-language, cookie')
    .send(content)
