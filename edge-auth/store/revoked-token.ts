import type { Database } from '../../core/sqlite.ts'

/** What is good no more before its end: a technical token that was revoked, an assertion that was used. */
export interface RevokedToken {
  readonly jti: string
  /** Session time: from then on it is over in any case. */
  readonly endsAt: number
}

export function revokedTokenTable(db: Database) {
  const insert = db.prepare<RevokedToken>(`
    INSERT INTO revoked_token (jti, ends_at) VALUES (@jti, @endsAt) ON CONFLICT DO NOTHING`)
  const removeOver = db.prepare<[number]>(`DELETE FROM revoked_token WHERE ends_at <= ?`)
  const all = db.prepare<[], RevokedToken>(`SELECT jti, ends_at AS endsAt FROM revoked_token`)

  return {
    add: (token: RevokedToken): void => void insert.run(token),
    removeOver: (now: number): void => void removeOver.run(now),
    all: (): RevokedToken[] => all.all(),
  }
}
