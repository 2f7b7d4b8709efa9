import type { FastifyReply } from 'fastify'
import { loginPath } from './path.ts'
import { tokenCookie } from './request.ts'

/** Host-only, so that it works where the box has an address and no name. */
const tokenAttributes = { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } as const

export const setTokenCookie = (reply: FastifyReply, token: string): void =>
  void reply.setCookie(tokenCookie, token, { ...tokenAttributes, encode: (value) => value })

export const endTokenCookie = (reply: FastifyReply): void =>
  void reply.clearCookie(tokenCookie, tokenAttributes)

/**
 * Only the login form sees it; never becomes a session. Lax: who comes by a link of another site must not
 * void the form in another tab, and no other site can send a form with it.
 */
export const formCookie = 'edgeward_login'

export const setFormCookie = (reply: FastifyReply, value: string): void =>
  void reply.setCookie(formCookie, value, {
    path: loginPath,
    secure: true,
    httpOnly: true,
    sameSite: 'lax',
  })
