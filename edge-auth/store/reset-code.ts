import type { Database } from '../../core/sqlite.ts'

/** Opens the choice of a new password, once. */
export interface ResetCode {
  readonly user: string
  /** SHA-256. */
  readonly hash: Uint8Array
  /** The user's when it was made: whatever ends the user's sessions makes it void. */
  readonly userEpoch: string
  /** Session time. */
  readonly endsAt: number
}

export function resetCodeTable(db: Database) {
  const put = db.prepare<ResetCode>(`
    INSERT INTO reset_code (user, hash, user_epoch, ends_at) VALUES (@user, @hash, @userEpoch, @endsAt)
    ON CONFLICT (user) DO UPDATE SET hash = @hash, user_epoch = @userEpoch, ends_at = @endsAt`)
  const remove = db.prepare<[string]>(`DELETE FROM reset_code WHERE user = ?`)
  const all = db.prepare<[], ResetCode>(`
    SELECT user, hash, user_epoch AS userEpoch, ends_at AS endsAt FROM reset_code`)

  return {
    put: (code: ResetCode): void => void put.run(code),
    remove: (user: string): void => void remove.run(user),
    all: (): ResetCode[] => all.all(),
  }
}
