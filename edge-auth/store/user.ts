import type { Database } from '../../core/sqlite.ts'

export interface User {
  /** Never changes; `sub` of the user's tokens. */
  readonly name: string
  readonly roles: readonly string[]
  /** PHC string. */
  readonly passwordHash: string
  readonly passwordSetAt: number
  /** Signing in needs a new password. */
  readonly mustChange: boolean
  readonly enabled: boolean
  /** Sessions of another epoch have ended. */
  readonly epoch: string
  readonly createdAt: number
  readonly updatedAt: number
}

type Row = Omit<User, 'roles' | 'enabled' | 'mustChange'> & {
  roles: string
  enabled: 0 | 1
  mustChange: 0 | 1
}

export function userTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO user (name, roles, password_hash, password_set_at, must_change, enabled, epoch, created_at,
                      updated_at)
    VALUES (@name, @roles, @passwordHash, @passwordSetAt, @mustChange, @enabled, @epoch, @createdAt,
            @updatedAt)
    ON CONFLICT (name) DO UPDATE
       SET roles = @roles, password_hash = @passwordHash, password_set_at = @passwordSetAt,
           must_change = @mustChange, enabled = @enabled, epoch = @epoch, updated_at = @updatedAt`)
  const remove = db.prepare<[string]>(`DELETE FROM user WHERE name = ?`)
  const all = db.prepare<[], Row>(`
    SELECT name, roles, password_hash AS passwordHash, password_set_at AS passwordSetAt,
           must_change AS mustChange, enabled, epoch, created_at AS createdAt, updated_at AS updatedAt
      FROM user ORDER BY name`)

  return {
    put: (user: User): void => void put.run(toRow(user)),
    remove: (name: string): void => void remove.run(name),
    all: (): User[] => all.all().map(toUser),
  }
}

const toRow = (user: User): Row => ({
  ...user,
  roles: JSON.stringify(user.roles),
  enabled: user.enabled ? 1 : 0,
  mustChange: user.mustChange ? 1 : 0,
})

const toUser = (row: Row): User => ({
  ...row,
  roles: JSON.parse(row.roles),
  enabled: row.enabled === 1,
  mustChange: row.mustChange === 1,
})
