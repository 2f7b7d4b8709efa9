import type { Database } from '../../core/sqlite.ts'

/** A session that has not been ended. */
export interface Session {
  readonly id: string
  readonly user: string
  /** The user's when it was opened; another now means that all of that time have ended. */
  readonly userEpoch: string
  readonly boxEpoch: string
  readonly createdAt: number
  /** Session time. */
  readonly endsAt: number
  readonly address: string | null
  readonly userAgent: string | null
}

/** An access token of a session. */
export interface SessionToken {
  readonly jti: string
  /** Id of the session. */
  readonly session: string
  /** Session time. */
  readonly mintedAt: number
  /** Session time; never after its session. */
  readonly endsAt: number
}

export type EndReason =
  | 'signed_out'
  | 'signed_out_everywhere'
  | 'signed_in_again'
  | 'ended_by_administrator'
  | 'token_revoked'
  | 'too_many_sessions'
  | 'expired'
  | 'roles_changed'
  | 'password_changed'
  | 'user_disabled'
  | 'user_removed'
  | 'signed_out_elsewhere'
  | 'two_factor_changed'
  | 'login_mode_changed'

export function sessionTable(db: Database) {
  const insert = db.prepare<Session>(`
    INSERT INTO session (id, user, user_epoch, box_epoch, created_at, ends_at, address, user_agent)
    VALUES (@id, @user, @userEpoch, @boxEpoch, @createdAt, @endsAt, @address, @userAgent)`)
  const insertToken = db.prepare<SessionToken>(`
    INSERT INTO session_token (jti, session, minted_at, ends_at)
    VALUES (@jti, @session, @mintedAt, @endsAt)`)
  const shorten = db.prepare<{ jti: string; endsAt: number }>(`
    UPDATE session_token SET ends_at = min(ends_at, @endsAt) WHERE jti = @jti`)
  const open = db.prepare<[string | null], Session>(`
    SELECT session.id, session.user, user_epoch AS userEpoch, box_epoch AS boxEpoch,
           session.created_at AS createdAt, ends_at AS endsAt, address, user_agent AS userAgent
      FROM session JOIN user ON user.name = session.user AND user.epoch = session.user_epoch
     WHERE box_epoch = ? ORDER BY session.created_at, session.id`)
  const tokens = db.prepare<[], SessionToken>(`
    SELECT jti, session, minted_at AS mintedAt, ends_at AS endsAt FROM session_token`)
  const remove = db.prepare<[string]>(`DELETE FROM session WHERE id = ?`)
  const removeOfUser = db.prepare<[string]>(`DELETE FROM session WHERE user = ?`)
  const removeSilent = db.prepare(`
    DELETE FROM session WHERE NOT EXISTS (SELECT 1 FROM session_token WHERE session = session.id)`)
  const removeOthers = db.prepare<[string]>(`DELETE FROM session WHERE box_epoch <> ?`)
  const removeTokens = db.prepare<[number]>(`DELETE FROM session_token WHERE ends_at <= ?`)

  return {
    add: (session: Session): void => void insert.run(session),
    addToken: (token: SessionToken): void => void insertToken.run(token),
    shortenToken: (jti: string, endsAt: number): void => void shorten.run({ jti, endsAt }),
    allOpen: (boxEpoch: string | undefined): Session[] => open.all(boxEpoch ?? null),
    allTokens: (): SessionToken[] => tokens.all(),
    remove: (id: string): void => void remove.run(id),
    removeOfUser: (user: string): void => void removeOfUser.run(user),
    /** Those of another epoch, and those without a token that is still good. */
    removeDead(boxEpoch: string, now: number): void {
      removeOthers.run(boxEpoch)
      removeTokens.run(now)
      removeSilent.run()
    },
  }
}
