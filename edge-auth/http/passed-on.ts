import type { Identity } from '../sessions/identify.ts'
import { formCookie } from './cookies.ts'
import { cookiesOf, type Incoming, tokenCookie } from './request.ts'

/** What an app learns of who has signed in: with the roles that the user has there. */
export const identityHeaders = (
  { user }: Pick<Identity, 'user'>,
  roles: readonly string[],
): Record<string, string> => ({
  'x-auth-user': encodeURIComponent(user.name),
  'x-auth-roles': roles.join(','),
})

/** Opens the administration, together with a secret that no cookie holds. Cookies ignore ports. */
export const adminCookie = 'edgeward_admin'

/** The Cookie header that an app may see: without those of edgeward itself. */
export function appCookies(
  request: Pick<Incoming, 'headers'>,
  gate: { withholdToken: boolean } | undefined,
): string {
  const hidden = [adminCookie, formCookie, ...(gate?.withholdToken ? [tokenCookie] : [])]
  const shown = cookiesOf(request).filter(({ name }) => !hidden.includes(name))
  return shown.map(({ text }) => text).join('; ')
}
