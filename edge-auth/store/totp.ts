import type { Database } from '../../core/sqlite.ts'

/** What a user's authenticator app shares with this box. */
export interface SecondFactor {
  readonly user: string
  /** Shown once, when it is set up; codes cannot be checked with less than all of it. */
  readonly secret: Uint8Array
  /** Of the last code that was taken: none of this step or before is taken again. */
  readonly lastStep: number
  readonly createdAt: number
  /** SHA-256 of the codes that are left for who has lost the app. */
  readonly recovery: readonly Uint8Array[]
}

/** Lets one administrator in when nothing else does, once. */
export interface BreakGlass {
  readonly user: string
  /** SHA-256; null once it was used. */
  readonly hash: Uint8Array | null
  /** Session time. */
  readonly endsAt: number
  /** The session that it has opened. */
  readonly session: string | null
}

type Row = Omit<SecondFactor, 'recovery'>

export function secondFactorTables(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO second_factor (user, secret, last_step, created_at)
    VALUES (@user, @secret, @lastStep, @createdAt)`)
  const addRecovery = db.prepare<[string, Uint8Array]>(`INSERT INTO recovery_code (user, hash) VALUES (?, ?)`)
  const use = db.prepare<[number, string]>(`UPDATE second_factor SET last_step = ? WHERE user = ?`)
  const useRecovery = db.prepare<[string, Uint8Array]>(
    `DELETE FROM recovery_code WHERE user = ? AND hash = ?`,
  )
  const remove = db.prepare<[string]>(`DELETE FROM second_factor WHERE user = ?`)
  const removeAll = db.prepare(`DELETE FROM second_factor`)
  const all = db.prepare<[], Row>(`
    SELECT user, secret, last_step AS lastStep, created_at AS createdAt FROM second_factor`)
  const recovery = db.prepare<[], { user: string; hash: Uint8Array }>(`SELECT user, hash FROM recovery_code`)

  const putBreakGlass = db.prepare<BreakGlass>(`
    INSERT INTO break_glass (user, hash, ends_at, session) VALUES (@user, @hash, @endsAt, @session)
    ON CONFLICT (user) DO UPDATE SET hash = @hash, ends_at = @endsAt, session = @session`)
  const removeBreakGlass = db.prepare<[string]>(`DELETE FROM break_glass WHERE user = ?`)
  const allBreakGlass = db.prepare<[], BreakGlass>(`
    SELECT user, hash, ends_at AS endsAt, session FROM break_glass`)

  return {
    add({ recovery, ...factor }: SecondFactor): void {
      put.run(factor)
      for (const hash of recovery) addRecovery.run(factor.user, hash)
    },
    use: (user: string, step: number): void => void use.run(step, user),
    useRecovery: (user: string, hash: Uint8Array): void => void useRecovery.run(user, hash),
    remove: (user: string): void => void remove.run(user),
    removeAll: (): void => void removeAll.run(),
    all(): SecondFactor[] {
      const codes = Map.groupBy(recovery.all(), ({ user }) => user)
      return all.all().map((factor) => ({
        ...factor,
        recovery: (codes.get(factor.user) ?? []).map(({ hash }) => hash),
      }))
    },
    putBreakGlass: (one: BreakGlass): void => void putBreakGlass.run(one),
    removeBreakGlass: (user: string): void => void removeBreakGlass.run(user),
    allBreakGlass: (): BreakGlass[] => allBreakGlass.all(),
  }
}
