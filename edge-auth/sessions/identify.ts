import type { Clock } from '../../core/clock.ts'
import type { Session, User } from '../store/index.ts'
import type { Claims, Tokens } from '../tokens/tokens.ts'
import type { Users } from '../users/users.ts'
import type { Sessions } from './sessions.ts'

export interface Identity {
  user: User
  session: Session
  claims: Claims
}

/** Who presents this token. Undefined for every token that is not good now, whatever the cause. */
export type Identify = (token: string | undefined) => Promise<Identity | undefined>

export interface IdentifyDeps {
  tokens: Tokens
  sessions: Sessions
  users: Users
  clock: Clock
}

/** A box's clock may be set back a little just after a token was made. */
const skewMs = 5_000

export function createIdentify({ tokens, sessions, users, clock }: IdentifyDeps): Identify {
  return async (token) => {
    if (token === undefined) return undefined
    const claims = await tokens.verify(token)
    if (!claims) return undefined
    const now = clock.now()
    if (now >= claims.exp * 1000 || now + skewMs < claims.nbf * 1000) return undefined
    const session = sessions.find(claims.jti)
    const user = users.find(claims.sub)
    if (session?.user !== claims.sub || !user?.enabled) return undefined
    return { user, session, claims }
  }
}
