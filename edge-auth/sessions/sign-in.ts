import type { Audit, Sender, SignInMethod } from '../audit.ts'
import type { Session } from '../store/index.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { Passwords } from '../users/passwords.ts'
import type { Users } from '../users/users.ts'
import type { Sessions } from './sessions.ts'

export interface Attempt {
  username: string
  password: string
  method: SignInMethod
  sender: Sender
}

export interface SignedIn {
  /** The access token. */
  token: string
  session: Session
}

/**
 * Undefined when it is not to be; why stays in the audit, and every cause takes the same time.
 * Throws as `Passwords.verify` does.
 */
export type SignIn = (attempt: Attempt) => Promise<SignedIn | undefined>

export interface SignInDeps {
  users: Users
  passwords: Passwords
  sessions: Sessions
  tokens: Tokens
  audit: Audit
}

export function createSignIn({ users, passwords, sessions, tokens, audit }: SignInDeps): SignIn {
  return async ({ username, password, method, sender }) => {
    const user = users.find(username)
    // Nothing slow has happened so far: whether to try at all is asked here.
    const matches = await passwords.verify(user?.passwordHash, password)
    const refuse = (reason: Parameters<Audit['signInFailed']>[0]['reason']): undefined =>
      void audit.signInFailed({ ...sender, user: user?.name, method, reason })
    if (!user) return refuse('unknown_user')
    if (!matches) return refuse('wrong_password')
    if (!user.enabled) return refuse('user_disabled')

    const unchanged = (): boolean => users.find(user.name) === user
    const session = await sessions.open(user.name, sender, unchanged)
    if (!session) return refuse('user_changed_meanwhile')
    audit.signedIn(session, method)
    return { token: await tokens.mint(session, user.roles), session }
  }
}
