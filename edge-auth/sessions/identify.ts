import type { Audit } from '../audit/audit.ts'
import type { Session, SessionToken, User } from '../store/index.ts'
import type { Claims, Read } from '../tokens/claims.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { Users } from '../users/users.ts'
import type { SessionPolicy } from './session-policy.ts'
import type { Sessions } from './sessions.ts'

export interface Identity {
  user: User
  session: Session
  /** The one presented. */
  token: SessionToken
  claims: Claims
}

/** What is seen of who presents the token; only where it comes from the person's own program. */
export interface Seen {
  userAgent: string | undefined
}

/**
 * Who presents this token. Undefined for every token that is not good now, whatever the cause. A token
 * is good as long as its session says so, in session time: its own times are for those who cannot ask.
 */
export interface Identify {
  (token: string | undefined, seen?: Seen): Promise<Identity | undefined>
  /** The same of a token that has been read, without waiting. */
  byRead(read: Read | undefined, seen?: Seen): Identity | undefined
}

export interface IdentifyDeps {
  tokens: Tokens
  sessions: Sessions
  users: Users
  audit: Audit
}

export function createIdentify(
  { tokens, sessions, users, audit }: IdentifyDeps,
  { checkUserAgent }: Pick<SessionPolicy, 'checkUserAgent'>,
): Identify {
  /** One entry for each session: a page may ask every second. */
  const noted = new WeakSet<Session>()

  const byRead: Identify['byRead'] = (read, seen) => {
    if (read?.is !== 'user') return undefined
    const { claims } = read
    const found = sessions.find(claims.jti)
    const user = users.find(claims.sub)
    if (!found || !user || !users.active(user)) return undefined
    const { session, token } = found
    if (session.user !== user.name || session.userEpoch !== user.epoch) return undefined
    if (checkUserAgent && seen && (seen.userAgent ?? null) !== session.userAgent) {
      if (!noted.has(session)) audit.userAgentChanged(session, seen.userAgent)
      noted.add(session)
      return undefined
    }
    return { user, session, token, claims }
  }
  const byText = async (text: string | undefined, seen?: Seen): Promise<Identity | undefined> =>
    text === undefined ? undefined : byRead(await tokens.read(text), seen)
  return Object.assign(byText, { byRead })
}
