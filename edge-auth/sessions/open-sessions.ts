import type { Session, SessionToken } from '../store/index.ts'

/** A session in memory, with the tokens that may still be good. */
export interface OpenSession {
  readonly session: Session
  /** Oldest first; never empty. */
  tokens: SessionToken[]
  /** Text of the newest token, where this process has renewed it: for who presents the one before. */
  renewed?: string
  /** Under way. */
  renewing?: Promise<string | undefined>
}

/** What is not here is not signed in. Every look-up takes the same time, however many there are. */
export interface OpenSessions {
  readonly size: number
  find(jti: string): { open: OpenSession; token: SessionToken } | undefined
  get(id: string): OpenSession | undefined
  /** In the order of their opening. */
  ofUser(user: string): OpenSession[]
  all(): OpenSession[]
  add(open: OpenSession): void
  /** Replaces the tokens of a session. */
  setTokens(open: OpenSession, tokens: SessionToken[]): void
  remove(open: OpenSession): void
}

export function createOpenSessions(): OpenSessions {
  const byJti = new Map<string, { open: OpenSession; token: SessionToken }>()
  const byId = new Map<string, OpenSession>()
  const byUser = new Map<string, Set<OpenSession>>()

  const setTokens = (open: OpenSession, tokens: SessionToken[]): void => {
    for (const { jti } of open.tokens) byJti.delete(jti)
    open.tokens = tokens
    for (const token of tokens) byJti.set(token.jti, { open, token })
  }

  return {
    get size() {
      return byId.size
    },
    find: (jti) => byJti.get(jti),
    get: (id) => byId.get(id),
    ofUser: (user) => [...(byUser.get(user) ?? [])],
    all: () => [...byId.values()],
    add(open) {
      const { id, user } = open.session
      byId.set(id, open)
      byUser.set(user, (byUser.get(user) ?? new Set()).add(open))
      setTokens(open, open.tokens)
    },
    setTokens,
    remove(open) {
      const { id, user } = open.session
      for (const { jti } of open.tokens) byJti.delete(jti)
      byId.delete(id)
      const others = byUser.get(user)
      others?.delete(open)
      if (others?.size === 0) byUser.delete(user)
    },
  }
}
