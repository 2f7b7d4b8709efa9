import type { Database } from '../../core/sqlite.ts'

export interface Lockout {
  /** Who is kept out, as the throttle names it. */
  readonly subject: string
  /** Session time. */
  readonly endsAt: number
}

/** From where a user has signed in lately. */
export interface KnownAddress {
  readonly user: string
  readonly address: string
  /** Session time. */
  readonly seenAt: number
}

/** A person has no more workplaces. */
const addressesPerUser = 32

export function throttleTables(db: Database) {
  const put = db.prepare<Lockout>(`
    INSERT INTO lockout (subject, ends_at) VALUES (@subject, @endsAt)
    ON CONFLICT (subject) DO UPDATE SET ends_at = @endsAt`)
  const removeOld = db.prepare<[number]>(`DELETE FROM lockout WHERE ends_at <= ?`)
  const removeOne = db.prepare<[string]>(`DELETE FROM lockout WHERE subject = ?`)
  const removeBelow = db.prepare<{ start: string }>(`
    DELETE FROM lockout WHERE substr(subject, 1, length(@start)) = @start`)
  const all = db.prepare<[], Lockout>(`SELECT subject, ends_at AS endsAt FROM lockout`)
  const see = db.prepare<KnownAddress>(`
    INSERT INTO known_address (user, address, seen_at) VALUES (@user, @address, @seenAt)
    ON CONFLICT (user, address) DO UPDATE SET seen_at = @seenAt`)
  const forget = db.prepare<[string, string, number]>(`
    DELETE FROM known_address WHERE user = ? AND address NOT IN (
      SELECT address FROM known_address WHERE user = ? ORDER BY seen_at DESC LIMIT ?)`)
  const forgetUser = db.prepare<[string]>(`DELETE FROM known_address WHERE user = ?`)
  const known = db.prepare<[], KnownAddress>(`SELECT user, address, seen_at AS seenAt FROM known_address`)

  return {
    lock(lockout: Lockout, now: number): void {
      removeOld.run(now)
      put.run(lockout)
    },
    /** The subject itself, and all that begin with `start`. */
    unlock(subject: string, start: string): void {
      removeOne.run(subject)
      removeBelow.run({ start })
    },
    lockouts: (): Lockout[] => all.all(),
    know(address: KnownAddress): void {
      see.run(address)
      forget.run(address.user, address.user, addressesPerUser)
    },
    forgetUser: (user: string): void => void forgetUser.run(user),
    known: (): KnownAddress[] => known.all(),
  }
}
