import { EdgeError } from '../../core/errors.ts'
import type { User } from '../store/index.ts'
import { TooManyAttempts } from '../users/throttle.ts'
import type { HttpDeps } from './deps.ts'
import { type Incoming, senderOf } from './request.ts'
import type { Surface } from './route.ts'

/** Who presents name and password with the request, where that is allowed; RFC 7617. */
export async function basicUser(
  { basicLogin, loginModes }: Pick<HttpDeps, 'basicLogin' | 'loginModes'>,
  request: Incoming,
  surface: Surface,
): Promise<User | undefined> {
  const credentials = loginModes.takesBasic ? credentialsOf(request) : undefined
  const sender = senderOf(request, surface)
  if (!credentials || !loginModes.takesBasicFrom({ ...sender, isBrowser: isBrowser(request) }))
    return undefined
  try {
    return await basicLogin.identify(credentials, sender)
  } catch (error) {
    // A reverse proxy knows no other refusal than "not signed in".
    const isRefusal =
      error instanceof TooManyAttempts || (error instanceof EdgeError && error.statusCode === 400)
    if (isRefusal) return undefined
    throw error
  }
}

/** For programs that ask before they send. */
export const basicChallenge = 'Basic realm="edgeward", charset="UTF-8"'

function credentialsOf({ headers }: Incoming): { username: string; password: string } | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/]{1,4096}={0,2})$/i.exec(headers.authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 1 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** All that a person browses with calls itself Mozilla, or says what it fetches for. */
export const isBrowser = ({ headers }: Incoming): boolean =>
  /^Mozilla\//i.test(headers['user-agent'] ?? '') || headers['sec-fetch-mode'] !== undefined
