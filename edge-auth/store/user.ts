import type { Database } from '../../core/sqlite.ts'

export interface Profile {
  readonly firstName?: string
  readonly lastName?: string
  readonly email?: string
  readonly phone?: string
}

export interface User {
  /** Never changes; `sub` of the user's tokens. */
  readonly name: string
  /** Another name to sign in with. */
  readonly alias: string | null
  readonly profile: Profile
  /** The user who made this one; null: the command line. */
  readonly owner: string | null
  readonly delegatedBy: string | null
  readonly roles: readonly string[]
  /** Roles that hold for the apps of a group only, by the group's name. */
  readonly scopedRoles: Readonly<Record<string, readonly string[]>>
  /** Client ids of the apps that the guard lets the user through to; null: as their gates say. */
  readonly apps: readonly string[] | null
  /** PHC string; null for who signs in elsewhere. */
  readonly passwordHash: string | null
  readonly passwordSetAt: number
  /** Signing in needs a new password. */
  readonly mustChange: boolean
  /** Signing in needs a second factor, whatever holds for the others. */
  readonly totpRequired: boolean
  readonly enabled: boolean
  /** Session time, of service access; null: for good. */
  readonly validUntil: number | null
  /** Sessions of another epoch have ended. */
  readonly epoch: string
  readonly createdAt: number
  readonly updatedAt: number
  /** Grows with each change. */
  readonly revision: number
}

type Json = 'profile' | 'roles' | 'scopedRoles'
type Flag = 'enabled' | 'mustChange' | 'totpRequired'
type Row = Omit<User, Json | Flag | 'apps'> &
  Record<Json, string> &
  Record<Flag, 0 | 1> & { apps: string | null }

export function userTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO user (name, alias, profile, owner, delegated_by, roles, scoped_roles, apps, password_hash,
                      password_set_at, must_change, totp_required, enabled, valid_until, epoch, created_at,
                      updated_at, revision)
    VALUES (@name, @alias, @profile, @owner, @delegatedBy, @roles, @scopedRoles, @apps, @passwordHash,
            @passwordSetAt, @mustChange, @totpRequired, @enabled, @validUntil, @epoch, @createdAt,
            @updatedAt, @revision)
    ON CONFLICT (name) DO UPDATE
       SET alias = @alias, profile = @profile, owner = @owner, delegated_by = @delegatedBy, roles = @roles,
           scoped_roles = @scopedRoles, apps = @apps, password_hash = @passwordHash,
           password_set_at = @passwordSetAt, must_change = @mustChange, totp_required = @totpRequired,
           enabled = @enabled, valid_until = @validUntil, epoch = @epoch, updated_at = @updatedAt,
           revision = @revision`)
  const remove = db.prepare<[string]>(`DELETE FROM user WHERE name = ?`)
  const disown = db.prepare<[string]>(`UPDATE user SET owner = NULL WHERE owner = ?`)
  const undelegate = db.prepare<[string]>(`UPDATE user SET delegated_by = NULL WHERE delegated_by = ?`)
  const all = db.prepare<[], Row>(`
    SELECT name, alias, profile, owner, delegated_by AS delegatedBy, roles, scoped_roles AS scopedRoles, apps,
           password_hash AS passwordHash, password_set_at AS passwordSetAt, must_change AS mustChange,
           totp_required AS totpRequired, enabled, valid_until AS validUntil, epoch, created_at AS createdAt,
           updated_at AS updatedAt, revision
      FROM user ORDER BY name`)

  return {
    put: (user: User): void => void put.run(toRow(user)),
    remove: (name: string): void => void remove.run(name),
    /** Of a user who goes: another of that name inherits nothing. */
    disown(name: string): void {
      disown.run(name)
      undelegate.run(name)
    },
    all: (): User[] => all.all().map(toUser),
  }
}

const flag = (value: boolean): 0 | 1 => (value ? 1 : 0)

const toRow = (user: User): Row => ({
  ...user,
  profile: JSON.stringify(user.profile),
  roles: JSON.stringify(user.roles),
  scopedRoles: JSON.stringify(user.scopedRoles),
  apps: user.apps && JSON.stringify(user.apps),
  ...{ enabled: flag(user.enabled), mustChange: flag(user.mustChange) },
  totpRequired: flag(user.totpRequired),
})

const toUser = (row: Row): User => ({
  ...row,
  profile: JSON.parse(row.profile),
  roles: JSON.parse(row.roles),
  scopedRoles: JSON.parse(row.scopedRoles),
  apps: row.apps === null ? null : JSON.parse(row.apps),
  ...{ enabled: row.enabled === 1, mustChange: row.mustChange === 1 },
  totpRequired: row.totpRequired === 1,
})
