import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import type { User } from '../store/index.ts'
import type { HttpDeps } from './deps.ts'
import { html, isOwnForm } from './form.ts'
import {
  answerTo,
  firstPage,
  formState,
  issuerOf,
  outcomeOf,
  replaceSession,
  type Visit,
} from './login-flow.ts'
import { newPasswordPage } from './login-page.ts'
import { Refusal, refusalOf, refuse } from './login-refusals.ts'
import { codePath, enrolmentPath, loginPath, newPasswordPath, returnPath } from './path.ts'
import { senderOf } from './request.ts'
import type { Surface } from './route.ts'
import { codePage, enrolmentPage, recoveryCodesPage } from './second-factor-pages.ts'

const common = {
  ticket: Type.String(),
  form_token: Type.Optional(Type.String()),
  rd: Type.Optional(Type.Unknown()),
}
const Typed = Type.Optional(Type.String({ maxLength: 128 }))
const CodeForm = Type.Object({ ...common, code: Typed, recovery: Typed })
const EnrolmentForm = Type.Object({ ...common, code: Type.String({ maxLength: 128 }) })
const NewPasswordForm = Type.Object({
  ...common,
  password: Type.Optional(Type.String()),
  repeated: Type.Optional(Type.String()),
})

type Body = { ticket: string; form_token?: string; rd?: unknown }
const expired = new Refusal(403, 'expired', [])

/** What may come between the password and the session. Each step is open to a ticket alone. */
export function loginSteps(server: HttpServer, deps: HttpDeps, surface: Surface): void {
  const route = { config: { access: 'anyone' as const } }
  const visitOf = (request: FastifyRequest<{ Body: Body }>, reply: Visit['reply']): Visit => ({
    ...{ deps, request, reply, surface, rd: returnPath(request.body.rd) },
  })

  server.post(codePath, { ...route, schema: { body: CodeForm } }, async (request, reply) => {
    const { ticket, recovery, code = recovery ?? '' } = request.body
    const visit = visitOf(request, reply)
    const step = isOwnForm(request, surface) ? deps.signInSteps.find(ticket) : undefined
    if (!step || step.secret)
      return answerTo(visit, expired, ({ message }) => firstPage(visit, { message }, undefined))
    const fields = [recovery === undefined ? 'code' : 'recovery']
    const byCode = () => deps.signIn.byCode(step, code, senderOf(request, surface))
    const outcome = await outcomeOf(byCode, new Refusal(401, 'wrongTotp', fields))
    if (!(outcome instanceof Refusal)) deps.signInSteps.end(ticket)
    return answerTo(visit, outcome, ({ message }) => codePage({ ...formState(visit, { message }), ticket }))
  })

  server.post(enrolmentPath, { ...route, schema: { body: EnrolmentForm } }, async (request, reply) => {
    const visit = visitOf(request, reply)
    return enrol(visit, request.body, isOwnForm(request, surface))
  })

  server.post(newPasswordPath, { ...route, schema: { body: NewPasswordForm } }, async (request, reply) => {
    const visit = visitOf(request, reply)
    const { ticket, password, repeated } = request.body
    const user = isOwnForm(request, surface) ? deps.newPasswords.find(ticket) : undefined
    if (!user) return answerTo(visit, expired, ({ message }) => firstPage(visit, { message }, undefined))
    const form = () => ({ ...formState(visit, { username: user.name }), ticket })
    // From the page with the recovery codes.
    if (password === undefined) return html(reply, newPasswordPage(form()))
    const unequal = new Refusal(400, 'unequalPasswords', ['repeated'])
    const outcome = password === repeated ? await choose(visit, user, ticket, password) : unequal
    return answerTo(visit, outcome, ({ message }) =>
      deps.newPasswords.find(ticket)
        ? newPasswordPage({ ...form(), message })
        : firstPage(visit, { message }, undefined),
    )
  })
}

/** The code shows that the app has the secret: it is kept, and signs in. */
async function enrol(visit: Visit, { ticket, code }: Body & { code: string }, isOwn: boolean) {
  const { deps, request, reply, surface, rd } = visit
  const step = isOwn ? deps.signInSteps.find(ticket) : undefined
  if (!step?.secret)
    return answerTo(visit, expired, ({ message }) => firstPage(visit, { message }, undefined))
  const { user, secret } = step
  const sender = senderOf(request, surface)
  try {
    const codes = await deps.secondFactors.setUp(user, secret, code, sender)
    if (!codes) {
      const refusal = new Refusal(401, 'wrongSetUpCode', ['code'])
      const issuer = issuerOf(visit)
      return answerTo(visit, refusal, ({ message }) =>
        enrolmentPage({ ...formState(visit, { message }), ticket, secret, issuer, username: user.name }),
      )
    }
    deps.signInSteps.end(ticket)
    const form = formState(visit)
    if (step.renewsPassword)
      return html(reply, recoveryCodesPage(form, codes, { ticket: deps.newPasswords.begin(user) }))
    const opened = await deps.signIn.open(step, sender)
    if (opened) await replaceSession(visit, opened.token)
    return html(reply, recoveryCodesPage(form, codes, { path: opened ? (rd ?? deps.home()) : loginPath }))
  } catch (error) {
    const refusal = refusalOf(error)
    refuse(reply, refusal)
    return html(reply, firstPage(visit, { message: refusal.message }, undefined))
  }
}

/** All that was asked for before was proven before. */
function choose({ deps, request, surface }: Visit, user: User, ticket: string, password: string) {
  return outcomeOf(async () => {
    await deps.newPasswords.choose(ticket, user, password)
    const renewed = deps.users.find(user.name)
    return renewed && deps.signIn.open({ user: renewed, renewsPassword: false }, senderOf(request, surface))
  }, expired)
}
