import type { Database } from '../../core/sqlite.ts'

export interface User {
  /** Never changes; `sub` of the user's tokens. */
  readonly name: string
  readonly roles: readonly string[]
  /** PHC string. */
  readonly passwordHash: string
  readonly enabled: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

type Row = Omit<User, 'roles' | 'enabled'> & { roles: string; enabled: 0 | 1 }

export function userTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO user (name, roles, password_hash, enabled, created_at, updated_at)
    VALUES (@name, @roles, @passwordHash, @enabled, @createdAt, @updatedAt)
    ON CONFLICT (name) DO UPDATE
       SET roles = @roles, password_hash = @passwordHash, enabled = @enabled, updated_at = @updatedAt`)
  const remove = db.prepare<[string]>(`DELETE FROM user WHERE name = ?`)
  const all = db.prepare<[], Row>(`
    SELECT name, roles, password_hash AS passwordHash, enabled, created_at AS createdAt,
           updated_at AS updatedAt
      FROM user ORDER BY name`)

  return {
    put: (user: User): void =>
      void put.run({ ...user, roles: JSON.stringify(user.roles), enabled: user.enabled ? 1 : 0 }),
    remove: (name: string): void => void remove.run(name),
    all: (): User[] =>
      all.all().map((row) => ({ ...row, roles: JSON.parse(row.roles), enabled: row.enabled === 1 })),
  }
}
