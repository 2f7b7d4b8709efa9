import formbody from '@fastify/formbody'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { Conflict, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { parser } from '../../core/schema.ts'
import { PasswordExpired } from '../sessions/sign-in.ts'
import type { User } from '../store/index.ts'
import { HashingBusy } from '../users/passwords.ts'
import { TooManyAttempts } from '../users/throttle.ts'
import { namePattern } from '../users/users.ts'
import { setTokenCookie } from './cookies.ts'
import type { HttpDeps } from './deps.ts'
import { html, isOwnForm, issueFormToken } from './form.ts'
import {
  type FormState,
  firstAdminPage,
  type Message,
  newPasswordPage,
  signedInPage,
  signInPage,
} from './login-page.ts'
import { loginPath, newPasswordPath, returnPath } from './path.ts'
import { senderOf, tokensOf, userAgentOf } from './request.ts'
import type { Surface } from './route.ts'
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
const NewPasswordForm = Type.Object({
  ticket: Type.String(),
  password: Type.String(),
  repeated: Type.String(),
  form_token: Type.Optional(Type.String()),
  rd: Type.Optional(Type.Unknown()),
})
type NewPasswordForm = Static<typeof NewPasswordForm>

const isName = parser(Type.String({ pattern: namePattern }))

/** The form comes back; the message does not tell one cause from another where that would help a guesser. */
class Refusal {
  readonly status: number
  readonly message: Message
  readonly retryAfterMs: number | undefined

  constructor(status: number, text: keyof Texts, fields: readonly string[], retryAfterMs?: number) {
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.message = { text, fields, values: { minutes: Math.ceil((retryAfterMs ?? 0) / 60_000) } }
  }
}
const wrong = ['username', 'password']

/** The page for people. It works without JavaScript. */
export async function login(server: HttpServer, deps: HttpDeps, surface: Surface): Promise<void> {
  server.removeAllContentTypeParsers()
  await server.register(formbody)
  const route = { config: { access: 'anyone' as const } }

  server.get(loginPath, { ...route, schema: { querystring: Query } }, async (request, reply) => {
    const rd = returnPath(request.query.rd)
    const user = await signedIn(deps, request, reply)
    if (user && rd !== undefined) return reply.redirect(rd, 303)
    if (user) return html(reply, signedInPage(languageOf(request), user.name, user.roles))
    return html(reply, formPage(deps, request, reply, { rd }))
  })

  server.post(loginPath, { ...route, schema: { body: Form } }, async (request, reply) => {
    const rd = returnPath(request.body.rd)
    const { username } = request.body
    const result = await submit(deps, request, surface)
    if (result instanceof PasswordExpired) {
      const ticket = deps.newPasswords.begin(result.user)
      const form = formState(deps, request, reply, { rd, username })
      return html(reply, newPasswordPage({ ...form, ticket }))
    }
    if (result instanceof Refusal) {
      refuse(reply, result)
      return html(reply, formPage(deps, request, reply, { rd, username, message: result.message }))
    }
    await replaceSession(deps, request, reply, surface, result.token)
    return reply.redirect(rd ?? loginPath, 303)
  })

  server.post(newPasswordPath, { ...route, schema: { body: NewPasswordForm } }, async (request, reply) => {
    const rd = returnPath(request.body.rd)
    const { ticket } = request.body
    const user = deps.newPasswords.find(ticket)
    const result = await choose(deps, request, surface, user)
    if (result instanceof Refusal) {
      refuse(reply, result)
      const form = formState(deps, request, reply, { rd, message: result.message })
      const again = user !== undefined && deps.newPasswords.find(ticket) === user
      return html(reply, again ? newPasswordPage({ ...form, username: user.name, ticket }) : signInPage(form))
    }
    await replaceSession(deps, request, reply, surface, result.token)
    return reply.redirect(rd ?? loginPath, 303)
  })
}

/** The browser forgets the session that it had, so that ends. */
async function replaceSession(
  { identify, sessions }: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  surface: Surface,
  token: string,
): Promise<void> {
  setTokenCookie(reply, token)
  for (const before of tokensOf(request)) {
    const identity = await identify(before, { userAgent: userAgentOf(request) })
    const by = senderOf(request, surface)
    if (identity) await sessions.end({ id: identity.session.id }, 'signed_in_again', by)
  }
}

/** Who asks, by the cookie; renews it when it is time. */
async function signedIn(
  { identify, sessions }: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<User | undefined> {
  for (const token of tokensOf(request)) {
    const identity = await identify(token, { userAgent: userAgentOf(request) })
    if (!identity) continue
    const renewed = await sessions.renewal(identity)
    if (renewed !== undefined) setTokenCookie(reply, renewed)
    return identity.user
  }
  return undefined
}

async function submit(
  { signIn, firstAdmin }: HttpDeps,
  request: FastifyRequest<{ Body: Form }>,
  surface: Surface,
): Promise<{ token: string } | PasswordExpired | Refusal> {
  if (!isOwnForm(request, surface)) return new Refusal(403, 'expired', [])
  const { username, password, code = '' } = request.body
  const sender = senderOf(request, surface)
  try {
    if (firstAdmin.pending) {
      if (isName.faults(username).length > 0) return new Refusal(400, 'badName', ['username'])
      if (!(await firstAdmin.create({ code, name: username, password, sender })))
        return new Refusal(401, 'wrongCode', ['code'])
    }
    const opened = await signIn({ username, password, method: 'page', sender })
    return opened ?? new Refusal(401, 'wrong', wrong)
  } catch (error) {
    return error instanceof PasswordExpired ? error : refusalOf(error)
  }
}

async function choose(
  { newPasswords, signIn }: HttpDeps,
  request: FastifyRequest<{ Body: NewPasswordForm }>,
  surface: Surface,
  user: User | undefined,
): Promise<{ token: string } | Refusal> {
  if (!isOwnForm(request, surface) || !user) return new Refusal(403, 'expired', [])
  const { ticket, password, repeated } = request.body
  if (password !== repeated) return new Refusal(400, 'unequalPasswords', ['repeated'])
  const sender = senderOf(request, surface)
  try {
    await newPasswords.choose(ticket, user, password)
    const opened = await signIn({ username: user.name, password, method: 'page', sender })
    return opened ?? new Refusal(401, 'wrong', wrong)
  } catch (error) {
    return refusalOf(error)
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof TooManyAttempts) return new Refusal(429, 'locked', [], error.retryAfterMs)
  if (error instanceof HashingBusy) return new Refusal(503, 'busy', [], error.retryAfterMs)
  if (error instanceof Invalid)
    return new Refusal(400, error.code === 'same_password' ? 'samePassword' : 'badPassword', ['password'])
  if (error instanceof Conflict) return new Refusal(409, 'expired', []) // somebody else was first
  throw error
}

function refuse(reply: FastifyReply, { status, retryAfterMs }: Refusal): void {
  reply.status(status)
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000))
}

type Kept = Pick<FormState, 'rd' | 'username' | 'message'>

const formState = (
  { random, passwordRules: rules }: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  kept: Kept,
): FormState => ({
  ...{ ...kept, rules, language: languageOf(request) },
  formToken: issueFormToken(request, reply, random),
})

function formPage(deps: HttpDeps, request: FastifyRequest, reply: FastifyReply, kept: Kept): string {
  const form = formState(deps, request, reply, kept)
  return deps.firstAdmin.pending ? firstAdminPage(form) : signInPage(form)
}

const languageOf = ({ headers }: FastifyRequest) => chooseLanguage(headers['accept-language'])
