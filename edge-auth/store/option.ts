import type { Database } from '../../core/sqlite.ts'

/** A setting that can be changed while the box runs. */
export interface Option {
  readonly category: string
  readonly key: string
  readonly value: string
  /** Who made it; null: the command line. */
  readonly owner: string | null
  readonly updatedAt: number
  /** Grows with each change. */
  readonly revision: number
}

export function optionTable(db: Database) {
  const put = db.prepare<Option>(`
    INSERT INTO option (category, key, value, owner, updated_at, revision)
    VALUES (@category, @key, @value, @owner, @updatedAt, @revision)
    ON CONFLICT (category, key) DO UPDATE
       SET value = @value, updated_at = @updatedAt, revision = @revision`)
  const remove = db.prepare<[string, string]>(`DELETE FROM option WHERE category = ? AND key = ?`)
  const disown = db.prepare<[string]>(`UPDATE option SET owner = NULL WHERE owner = ?`)
  const all = db.prepare<[], Option>(`
    SELECT category, key, value, owner, updated_at AS updatedAt, revision FROM option ORDER BY category, key`)

  return {
    put: (option: Option): void => void put.run(option),
    remove: (category: string, key: string): void => void remove.run(category, key),
    disown: (user: string): void => void disown.run(user),
    all: (): Option[] => all.all(),
  }
}
