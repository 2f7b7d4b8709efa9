import { timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Random, randomSecret } from '../../core/random.ts'
import { formCookie, setFormCookie } from './cookies.ts'
import { contentSecurityPolicy } from './page.ts'
import { isSameOrigin } from './request.ts'
import type { Surface } from './route.ts'

/* What every form of ours has against forms that other sites send. */

type Submission = FastifyRequest<{ Body: { form_token?: string } }>

/**
 * Another site can make a browser send a form, but neither read our cookie nor set it, and the browser
 * says where it came from.
 */
export function isOwnForm(request: Submission, surface: Surface): boolean {
  if (!isSameOrigin(request, surface)) return false
  const cookie = Buffer.from(request.cookies[formCookie] ?? '')
  const field = Buffer.from(request.body.form_token ?? '')
  return cookie.length > 0 && cookie.length === field.length && timingSafeEqual(cookie, field)
}

/**
 * The token for a form, set as the cookie too. Tabs share a cookie, so they share its value; otherwise
 * only the last one opened would work.
 */
export function issueFormToken({ cookies }: FastifyRequest, reply: FastifyReply, random: Random): string {
  const known = cookies[formCookie]
  const token = known !== undefined && /^[\w-]{43}$/.test(known) ? known : randomSecret(random)
  setFormCookie(reply, token)
  return token
}

export const html = (reply: FastifyReply, content: string): FastifyReply =>
  reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', contentSecurityPolicy)
    .header('referrer-policy', 'same-origin')
    .header('vary', 'accept-language, cookie')
    .send(content)
