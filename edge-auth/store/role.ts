import type { Database } from '../../core/sqlite.ts'
import type { Permissions } from '../permissions/permission.ts'

/** A role beside the predefined ones. */
export interface CustomRole {
  readonly name: string
  readonly description: string
  readonly permissions: Permissions
  /** The user who made it; null: the command line. */
  readonly owner: string | null
  /** Grows with each change. */
  readonly revision: number
}

type Row = Omit<CustomRole, 'permissions'> & { permissions: string }

export function roleTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO role (name, description, permissions, owner, revision)
    VALUES (@name, @description, @permissions, @owner, @revision)
    ON CONFLICT (name) DO UPDATE
       SET description = @description, permissions = @permissions, owner = @owner, revision = @revision`)
  const remove = db.prepare<[string]>(`DELETE FROM role WHERE name = ?`)
  const disown = db.prepare<[string]>(`UPDATE role SET owner = NULL WHERE owner = ?`)
  const all = db.prepare<[], Row>(`SELECT name, description, permissions, owner, revision FROM role`)

  return {
    put: (role: CustomRole): void => void put.run({ ...role, permissions: JSON.stringify(role.permissions) }),
    remove: (name: string): void => void remove.run(name),
    disown: (user: string): void => void disown.run(user),
    all: (): CustomRole[] =>
      all.all().map((row) => ({ ...row, permissions: JSON.parse(row.permissions) as Permissions })),
  }
}
