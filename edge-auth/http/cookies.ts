import type { FastifyReply } from 'fastify'
import type { HttpServer } from '../../core/http-server.ts'
import { loginPath } from './path.ts'
import { tokenCookie } from './request.ts'

/** Host-only, so that it works where the box has an address and no name. */
const tokenAttributes = { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } as const

export function setTokenCookie(reply: FastifyReply, token: string): void {
  const maxAge = reply.server.tokenCookieSeconds()
  const kept = maxAge === undefined ? {} : { maxAge }
  reply.setCookie(tokenCookie, token, { ...tokenAttributes, ...kept, encode: (value) => value })
}

declare module 'fastify' {
  interface FastifyInstance {
    /** How long a browser keeps the token; undefined: until it is closed. */
    tokenCookieSeconds(): number | undefined
  }
}

/** Asked for each cookie. */
export const tokenCookieLife = (server: HttpServer, seconds: () => number | undefined): void =>
  void server.decorate('tokenCookieSeconds', seconds)

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
