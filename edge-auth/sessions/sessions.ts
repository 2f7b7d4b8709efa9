import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, EndedBy, Sender, SignInMethod } from '../audit/audit.ts'
import type {
  AuditEntry,
  Disk,
  EndReason,
  KnownAddress,
  Session,
  SessionToken,
  SsoSession,
  Store,
  User,
} from '../store/index.ts'
import type { Tokens } from '../tokens/tokens.ts'
import { createOpenSessions, type OpenSession } from './open-sessions.ts'
import { createRenewal } from './renewal.ts'
import type { SessionPolicy } from './session-policy.ts'
import type { SessionTime } from './session-time.ts'

/** A session as it is shown, with times by the box's clock. */
export type ShownSession = Pick<Session, 'id' | 'user' | 'createdAt' | 'address' | 'userAgent'> & {
  /** Its last moment, however often it is renewed. */
  expiresAt: number
}

export interface Opened {
  session: Session
  /** The access token. */
  token: string
  /** Seconds. */
  expiresIn: number
}

export interface Opening {
  user: User
  method: SignInMethod
  sender: Sender
  /** Remembered as one from where the user signs in. */
  from?: KnownAddress | undefined
  /** Where the user has signed in elsewhere, and what is told of it. */
  sso?: { known: Omit<SsoSession, 'session'>; entries(session: Session): readonly AuditEntry[] } | undefined
  /** Asked when no other change can come between. */
  allowed(): boolean
}

/** Open sessions, in memory as on disk: what is not here is not signed in. */
export interface Sessions {
  /** The session that this token of ours opens; undefined when ended, expired or unknown. */
  find(jti: string): { session: Session; token: SessionToken } | undefined
  /** Changes when all sessions end: whatever else is to end with them remembers it. */
  readonly boxEpoch: string
  list(user?: string): ShownSession[]
  /** Ends the user's oldest sessions where there are too many. Undefined when it is not allowed. */
  open(opening: Opening): Promise<Opened | undefined>
  /**
   * The token that takes the place of the one presented, when it is time; the old one stays good for a
   * moment. For every answer that can set the cookie. Never rejects: then the old one does.
   */
  renewal(presented: { session: Session; token: SessionToken; user: User }): Promise<string | undefined>
  /** When this resolves, it is on disk and `find` does not see them. Returns how many. */
  end(choice: { id: string } | { all: true }, reason: EndReason, by?: EndedBy): Promise<number>
  /** The entries for a larger change that ends the user's sessions. */
  endings(user: string, reason: EndReason, by?: EndedBy): AuditEntry[]
  /** For whoever has ended them on disk within a larger change. Returns how many. */
  forget(user: string): number
  /** Removes now and then what has expired, on disk and in memory, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface SessionsDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
  log: Logger
  time: SessionTime
  mint: Tokens['mint']
}

/** Flash wears: rarely. */
const sweepEveryMs = 600_000

export async function createSessions(deps: SessionsDeps, policy: SessionPolicy): Promise<Sessions> {
  const { store, clock, random, audit, log, time } = deps
  let boxEpoch = await settleBoxEpoch(store, random)
  let sessions = load(store)
  /** On disk there may be what is not in memory. */
  let unswept = true

  const isLive = (open: OpenSession): boolean => time.now() < (open.tokens.at(-1) as SessionToken).endsAt
  const live = (user: string): OpenSession[] => sessions.ofUser(user).filter(isLive)

  const start = ({ user, method, sender }: Opening): OpenSession => {
    const { address = null, userAgent = null } = sender
    const opened = time.now()
    const lifespanMs = (method === 'direct' ? policy.bodyLifespanMs : undefined) ?? policy.lifespanMs
    // Where nothing is renewed, the token's end is the session's.
    const lifeMs = policy.renewalMs === undefined ? lifespanMs : policy.absoluteMs
    const session: Session = {
      ...{ id: random.uuid(), user: user.name, userEpoch: user.epoch, boxEpoch, address, userAgent },
      ...{ createdAt: clock.now(), endsAt: opened + lifeMs },
    }
    return { session, tokens: [renewal.next(session, lifespanMs)] }
  }

  const endAll = async (disk: Disk, reason: EndReason): Promise<number> => {
    const count = sessions.size
    const next = random.uuid()
    await disk.call('startBoxEpoch', [audit.allSessionsEnded(count, reason)], next)
    boxEpoch = next
    sessions = createOpenSessions()
    unswept = true
    return count
  }

  const endOne = async (disk: Disk, id: string, reason: EndReason, by?: EndedBy): Promise<number> => {
    const open = sessions.get(id)
    if (!open || !isLive(open)) return 0
    await disk.call('endSession', [audit.sessionEnded(open.session, reason, by)], id)
    sessions.remove(open)
    return 1
  }

  /** How far session time has come is kept with it. */
  const sweep = (): Promise<void> =>
    store.change(async (disk) => {
      if (sessions.size === 0 && !unswept) return
      const expired = sessions.all().filter((open) => !isLive(open))
      const entries = expired.map(({ session }) => audit.sessionEnded(session, 'expired'))
      await disk.call('removeDeadSessions', entries, boxEpoch, time.now(), time.mark())
      for (const open of expired) sessions.remove(open)
      unswept = false
    })

  const renewal = createRenewal(deps, policy, () => sessions)

  return {
    find(jti) {
      const found = sessions.find(jti)
      return found && time.now() < found.token.endsAt
        ? { session: found.open.session, token: found.token }
        : undefined
    },
    get boxEpoch() {
      return boxEpoch
    },
    list: (user) =>
      (user === undefined ? sessions.all() : sessions.ofUser(user))
        .filter(isLive)
        .map(({ session: { id, user, createdAt, endsAt, address, userAgent } }) => ({
          ...{ id, user, createdAt, expiresAt: time.onClock(endsAt), address, userAgent },
        })),
    open: (opening) =>
      store.change(async (disk) => {
        if (!opening.allowed()) return undefined
        const { user, method, from, sso } = opening
        const open = start(opening)
        const [token] = open.tokens as [SessionToken]
        const { text, expiresIn } = await renewal.mint(open.session, token, user.roles)
        const before = live(user.name)
        const evicted = before.slice(0, Math.max(0, before.length + 1 - policy.maxPerUser))
        const entries = [
          ...evicted.map(({ session }) => audit.sessionEnded(session, 'too_many_sessions')),
          audit.signedIn(open.session, method),
          audit.tokenIssued({ user: user.name, session: open.session.id, jti: token.jti }),
          ...(sso?.entries(open.session) ?? []),
        ]
        await disk.call('addSession', entries, {
          ...{ session: open.session, token, from, time: time.mark() },
          evicted: evicted.map(({ session }) => session.id),
          sso: sso && { ...sso.known, session: open.session.id },
        })
        for (const old of evicted) sessions.remove(old)
        sessions.add(open)
        return { session: open.session, token: text, expiresIn }
      }),
    renewal: renewal.renew,
    end: (choice, reason, by) =>
      store.change((disk) => ('all' in choice ? endAll(disk, reason) : endOne(disk, choice.id, reason, by))),
    endings: (user, reason, by) => live(user).map(({ session }) => audit.sessionEnded(session, reason, by)),
    forget(user) {
      const gone = sessions.ofUser(user)
      const count = gone.filter(isLive).length
      for (const open of gone) sessions.remove(open)
      return count
    },
    async run(signal) {
      while (!signal.aborted) {
        await sweep().catch((err) => log.error({ err }, 'expired sessions not removed'))
        await clock.sleep(sweepEveryMs, signal).catch(() => {}) // aborted
      }
    },
  }
}

/** A session that has no token any more is left out. */
function load({ contents }: Store) {
  const sessions = createOpenSessions()
  const tokens = Map.groupBy(contents.sessionTokens, ({ session }) => session)
  for (const session of contents.sessions) {
    const own = (tokens.get(session.id) ?? []).sort((a, b) => a.mintedAt - b.mintedAt)
    if (own.length > 0) sessions.add({ session, tokens: own })
  }
  return sessions
}

async function settleBoxEpoch(store: Store, random: Random): Promise<string> {
  const known = store.contents.settings.find(({ key }) => key === 'box_epoch')
  if (known) return known.value
  const value = random.uuid()
  await store.change((disk) => disk.call('startBoxEpoch', [], value))
  return value
}
