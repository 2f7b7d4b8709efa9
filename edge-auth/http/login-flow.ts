import type { FastifyReply, FastifyRequest } from 'fastify'
import { PasswordExpired, SecondFactorDue } from '../sessions/sign-in.ts'
import { setTokenCookie } from './cookies.ts'
import type { HttpDeps } from './deps.ts'
import { html, issueFormToken } from './form.ts'
import { type FormState, firstAdminPage, newPasswordPage, signInPage } from './login-page.ts'
import { Refusal, refusalOf, refuse } from './login-refusals.ts'
import { originOf } from './origin.ts'
import { senderOf, tokensOf, userAgentOf } from './request.ts'
import type { Surface } from './route.ts'
import { breakGlassPage, codePage, enrolmentPage } from './second-factor-pages.ts'
import { ssoButtons, ssoStartPath } from './sso-pages.ts'
import { chooseLanguage } from './texts.ts'

/** What comes of a form: a session, a page that asks for more, or the form again. */
export type Outcome = { token: string } | PasswordExpired | SecondFactorDue | Refusal

/** Tells what was planned for from bugs, which it throws. */
export async function outcomeOf(
  work: () => Promise<{ token: string } | undefined>,
  otherwise: Refusal,
): Promise<Outcome> {
  try {
    return (await work()) ?? otherwise
  } catch (error) {
    const isUnfinished = error instanceof PasswordExpired || error instanceof SecondFactorDue
    return isUnfinished ? error : refusalOf(error)
  }
}

/** One request of a sign-in by the page. */
export interface Visit {
  deps: HttpDeps
  request: FastifyRequest
  reply: FastifyReply
  surface: Surface
  /** Where to go afterwards, if anywhere. */
  rd: string | undefined
}

/** `again`: the form that comes back with a refusal. */
export async function answerTo(visit: Visit, outcome: Outcome, again: (refusal: Refusal) => string) {
  const { deps, reply, rd } = visit
  if (outcome instanceof Refusal) {
    refuse(reply, outcome)
    return html(reply, again(outcome))
  }
  if (outcome instanceof PasswordExpired || outcome instanceof SecondFactorDue)
    return html(reply, nextPage(visit, outcome))
  await replaceSession(visit, outcome.token)
  return reply.redirect(rd ?? deps.home(), 303)
}

/** What is still missing; each step has a ticket of its own. */
export function nextPage(visit: Visit, unfinished: PasswordExpired | SecondFactorDue): string {
  const { deps } = visit
  const { proven } = unfinished
  const form = formState(visit, { username: proven.user.name })
  if (unfinished instanceof PasswordExpired)
    return newPasswordPage({ ...form, ticket: deps.newPasswords.begin(proven.user) })
  if (unfinished.due === 'code') return codePage({ ...form, ticket: deps.signInSteps.begin(proven) })
  const secret = deps.secondFactors.newSecret()
  const ticket = deps.signInSteps.begin({ ...proven, secret })
  return enrolmentPage({ ...form, ticket, secret, username: proven.user.name, issuer: issuerOf(visit) })
}

/** A person may sign in to several boxes: the app shows which is which. */
export function issuerOf({ request, surface }: Visit): string {
  const origin = originOf(request, surface)
  return origin === undefined ? 'edgeward' : `edgeward ${new URL(origin).hostname}`
}

/** The browser forgets the session that it had, so that ends. */
export async function replaceSession(visit: Visit, token: string): Promise<void> {
  const { deps, request, reply, surface } = visit
  setTokenCookie(reply, token)
  for (const before of tokensOf(request)) {
    const identity = await deps.identify(before, { userAgent: userAgentOf(request) })
    const by = senderOf(request, surface)
    if (identity) await deps.sessions.end({ id: identity.session.id }, 'signed_in_again', by)
  }
}

type Kept = Pick<FormState, 'username' | 'message' | 'hidden' | 'how'>

export function formState({ deps, request, reply, rd }: Visit, kept: Kept = {}): FormState {
  const language = languageOf(request)
  return {
    ...{ ...kept, rd, rules: deps.passwordRules, language },
    formToken: issueFormToken(request, reply, deps.random),
    elsewhere: ssoButtons(language, deps.sso.visible(), rd),
  }
}

/** Why the first page is asked for, beside signing in. */
export type Purpose = 'setup' | 'local' | undefined

/** The page that a sign-in begins with. */
export function firstPage(visit: Visit, kept: Kept, purpose: Purpose): string {
  const { deps, rd } = visit
  if (deps.firstAdmin.pending) return firstAdminPage(formState(visit, kept))
  const form = formState(visit, { ...kept, ...(purpose && { hidden: [purpose, '1'] as const }) })
  if (isElsewhere(deps)) return breakGlassPage({ ...form, hidden: ['local', '1'] }, ssoStart(rd))
  return signInPage({ ...form, ...(purpose === 'setup' && { how: 'setUpAgain' as const }) })
}

/** Where nobody signs in by a password. */
export const isElsewhere = ({ firstAdmin, loginModes }: HttpDeps): boolean =>
  !firstAdmin.pending && loginModes.mode === 'SSO'

export const ssoStart = (rd: string | undefined): string =>
  rd === undefined ? ssoStartPath : `${ssoStartPath}?rd=${encodeURIComponent(rd)}`

export const purposeOf = ({ setup, local }: { setup?: unknown; local?: unknown }): Purpose =>
  setup !== undefined ? 'setup' : local !== undefined ? 'local' : undefined

export const languageOf = ({ headers }: FastifyRequest) => chooseLanguage(headers['accept-language'])
