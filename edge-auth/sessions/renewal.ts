import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Audit } from '../audit/audit.ts'
import type { Session, SessionToken, Store, User } from '../store/index.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { OpenSession, OpenSessions } from './open-sessions.ts'
import type { SessionPolicy } from './session-policy.ts'
import type { SessionTime } from './session-time.ts'

export interface Presented {
  session: Session
  token: SessionToken
  user: User
}

/** The tokens that follow one another in a session. */
export interface Renewal {
  /** The token that a session would get now. */
  next(session: Session, lifespanMs?: number): SessionToken
  mint(session: Session, token: SessionToken, roles: readonly string[]): Promise<Minted>
  renew(presented: Presented): Promise<string | undefined>
}

export interface Minted {
  text: string
  /** Seconds. */
  expiresIn: number
}

export interface RenewalDeps {
  store: Store
  random: Random
  audit: Audit
  log: Logger
  time: SessionTime
  mint: Tokens['mint']
}

export function createRenewal(
  { store, random, audit, log, time, mint: sign }: RenewalDeps,
  policy: SessionPolicy,
  sessions: () => OpenSessions,
): Renewal {
  const next: Renewal['next'] = (session, lifespanMs = policy.lifespanMs) => {
    const now = time.now()
    // Tokens count in seconds of the box's clock, and end with one.
    const wanted = time.onClock(Math.min(now + lifespanMs, session.endsAt))
    const lifeMs = Math.floor(wanted / 1000) * 1000 - time.onClock(now)
    return { jti: random.uuid(), session: session.id, mintedAt: now, endsAt: now + Math.max(0, lifeMs) }
  }

  const mint = async (
    { user }: Session,
    { jti, mintedAt, endsAt }: SessionToken,
    roles: readonly string[],
  ): Promise<Minted> => {
    const [createdAt, expiresAt] = [time.onClock(mintedAt), time.onClock(endsAt)]
    const text = await sign({ jti, user, createdAt, expiresAt }, roles)
    return { text, expiresIn: Math.floor(expiresAt / 1000) - Math.floor(createdAt / 1000) }
  }

  /** A token that would end with the one it replaces is not worth it. */
  const isDue = ({ session, token }: Presented): boolean =>
    policy.renewalMs !== undefined &&
    time.now() - token.mintedAt >= policy.renewalMs &&
    token.endsAt + 1000 <= Math.min(time.now() + policy.lifespanMs, session.endsAt)

  const replace = (open: OpenSession, old: SessionToken, roles: readonly string[]) =>
    store.change(async (disk) => {
      if (sessions().get(open.session.id) !== open) return undefined // ended meanwhile
      const token = next(open.session)
      const { text } = await mint(open.session, token, roles)
      const endsAt = Math.min(old.endsAt, time.now() + policy.renewalDelayMs)
      const { user, id } = open.session
      const entry = audit.tokenIssued({ user, session: id, jti: token.jti })
      await disk.call('renewToken', [entry], token, old.jti, endsAt)
      sessions().setTokens(open, [{ ...old, endsAt }, token])
      open.renewed = text
      return text
    })

  return {
    next,
    mint,
    async renew(presented) {
      const open = sessions().get(presented.session.id)
      const newest = open?.tokens.at(-1)
      if (!open || !newest) return undefined
      // Who still has the one before has not seen the answer that brought the newest.
      if (newest.jti !== presented.token.jti) return open.renewed
      if (!isDue(presented)) return undefined
      open.renewing ??= replace(open, newest, presented.user.roles)
        .catch((err) => void log.warn({ err }, 'token not renewed'))
        .finally(() => {
          delete open.renewing
        })
      return open.renewing
    },
  }
}
