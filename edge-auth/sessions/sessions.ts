import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, Sender } from '../audit.ts'
import type { Ending, EndReason, Session, SessionChoice, Store } from '../store/index.ts'

/** Open sessions, in memory as on disk: what is not here is not signed in. */
export interface Sessions {
  /** Undefined when ended, expired or unknown. */
  find(jti: string): Session | undefined
  list(user?: string): Session[]
  /** `allowed` is asked when no other change can come between; undefined when it says no. */
  open(user: string, sender: Sender, allowed: () => boolean): Promise<Session | undefined>
  /** When this resolves, it is on disk and `find` does not see them. Returns how many. */
  end(choice: SessionChoice, reason: EndReason): Promise<number>
  /** For whoever has ended them on disk within a larger change. */
  forget(choice: SessionChoice, reason: EndReason): number
}

export interface SessionsDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
}

/** An expired session stays this long on disk, to be looked up. */
const historyMs = 30 * 86_400_000

export function createSessions(
  { store, clock, random, audit }: SessionsDeps,
  { tokenLifetimeMs }: { tokenLifetimeMs: number },
): Sessions {
  const byJti = new Map(store.contents.sessions.map((session) => [session.jti, session]))
  const isLive = (session: Session): boolean => clock.now() < session.expiresAt

  const chosen = (choice: SessionChoice): Session[] =>
    [...byJti.values()].filter(({ id, user }) =>
      'id' in choice ? id === choice.id : 'user' in choice ? user === choice.user : choice.all,
    )

  const dropExpired = (): void => {
    for (const session of byJti.values()) if (!isLive(session)) byJti.delete(session.jti)
  }

  const forget = (choice: SessionChoice, reason: EndReason): number => {
    const gone = chosen(choice)
    for (const session of gone) {
      byJti.delete(session.jti)
      audit.sessionEnded(session, reason)
    }
    return gone.length
  }

  return {
    find(jti) {
      const session = byJti.get(jti)
      return session && isLive(session) ? session : undefined
    },
    list: (user) =>
      chosen(user === undefined ? { all: true } : { user })
        .filter(isLive)
        .sort((a, b) => a.createdAt - b.createdAt),
    open: (user, { address = null, userAgent = null }, allowed) =>
      store.change(async (disk) => {
        if (!allowed()) return undefined
        const createdAt = clock.now()
        // Tokens count in seconds; the session ends with its token.
        const expiresAt = Math.floor((createdAt + tokenLifetimeMs) / 1000) * 1000
        const ids = { id: random.uuid(), jti: random.uuid() }
        const session: Session = { ...ids, user, createdAt, expiresAt, address, userAgent }
        await disk.call('addSession', session, createdAt - historyMs)
        dropExpired()
        byJti.set(session.jti, session)
        return session
      }),
    end: (choice, reason) =>
      store.change(async (disk) => {
        const ending: Ending = { at: clock.now(), reason }
        await disk.call('endSessions', choice, ending)
        return forget(choice, reason)
      }),
    forget,
  }
}
