import type { Database } from '../../core/sqlite.ts'

/** A session that has not been ended. */
export interface Session {
  readonly id: string
  /** `jti` of the session's access token. */
  readonly jti: string
  readonly user: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly address: string | null
  readonly userAgent: string | null
}

export type EndReason =
  | 'signed_out'
  | 'ended_by_administrator'
  | 'roles_changed'
  | 'password_changed'
  | 'user_disabled'
  | 'user_removed'

export interface Ending {
  readonly at: number
  readonly reason: EndReason
}

/** Whose sessions: one, one user's, or all. */
export type SessionChoice = { id: string } | { user: string } | { all: true }

export function sessionTable(db: Database) {
  const insert = db.prepare<Session>(`
    INSERT INTO session (id, jti, user, created_at, expires_at, address, user_agent)
    VALUES (@id, @jti, @user, @createdAt, @expiresAt, @address, @userAgent)`)
  const open = db.prepare<[], Session>(`
    SELECT id, jti, user, created_at AS createdAt, expires_at AS expiresAt, address,
           user_agent AS userAgent
      FROM session WHERE ended_at IS NULL`)
  const endOne = db.prepare<Ending & { id: string }>(`
    UPDATE session SET ended_at = @at, end_reason = @reason WHERE id = @id AND ended_at IS NULL`)
  const endOfUser = db.prepare<Ending & { user: string }>(`
    UPDATE session SET ended_at = @at, end_reason = @reason WHERE user = @user AND ended_at IS NULL`)
  const endAll = db.prepare<Ending>(`
    UPDATE session SET ended_at = @at, end_reason = @reason WHERE ended_at IS NULL`)
  const removeExpired = db.prepare<[number]>(`DELETE FROM session WHERE expires_at < ?`)

  return {
    add: (session: Session): void => void insert.run(session),
    allOpen: (): Session[] => open.all(),
    end(choice: SessionChoice, { at, reason }: Ending): void {
      if ('id' in choice) endOne.run({ id: choice.id, at, reason })
      else if ('user' in choice) endOfUser.run({ user: choice.user, at, reason })
      else endAll.run({ at, reason })
    },
    removeExpired: (before: number): void => void removeExpired.run(before),
  }
}
