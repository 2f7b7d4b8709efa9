import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { Conflict, NotFound } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { Audit } from '../audit/audit.ts'
import { admin } from '../permissions/index.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AuditEntry, EndReason, Store, User } from '../store/index.ts'
import { groupsIn, rolesIn } from './scoped-roles.ts'

/** Why a record is replaced. */
export type Change = EndReason | 'user_enabled' | 'data_changed'

/** The next record of a user, for a change that puts it on disk. */
export interface Prepared {
  readonly after: User
  /** The user's sessions end with it. */
  readonly ends: boolean
  readonly entries: readonly AuditEntry[]
}

/** The records of the users, in memory as on disk; each change of one gives a new object. */
export interface Records {
  readonly size: number
  find(name: string): User | undefined
  get(name: string): User
  all(): User[]
  /**
   * Undefined when nothing would differ. A reason that is given stands for a difference elsewhere.
   * Throws `Conflict` for the last Admin.
   */
  prepare(before: User, different: Partial<User>, reason?: EndReason): Prepared | undefined
  /** All at once: two may be the last Admins together. */
  prepareAll(
    changes: readonly { before: User; different: Partial<User> }[],
    reason: EndReason,
  ): readonly Prepared[]
  /** Once they are on disk. */
  settle(prepared: readonly Prepared[]): void
  added(user: User): void
  /** Throws `Conflict` for the last Admin. */
  refuseLast(user: User): void
  removed(name: string): void
}

export interface RecordsDeps {
  store: Store
  sessions: Pick<Sessions, 'endings' | 'forget'>
  clock: Clock
  random: Random
  audit: Pick<Audit, 'userChanged'>
}

/** Whoever could let everybody else in again: for good, and by a password of this box. */
const isAdmin = (user: User | undefined): boolean =>
  user?.enabled === true &&
  user.roles.includes(admin) &&
  user.validUntil === null &&
  user.passwordHash !== null

export function createRecords({ store, sessions, clock, random, audit }: RecordsDeps): Records {
  const users = new Map(store.contents.users.map((user) => [user.name, user]))

  const keepAnAdmin = (gone: ReadonlyMap<string, User | undefined>): void => {
    const lost = [...gone].find(([name, after]) => isAdmin(users.get(name)) && !isAdmin(after))
    if (!lost) return
    const others = [...users.values()].some((user) =>
      isAdmin(gone.has(user.name) ? gone.get(user.name) : user),
    )
    if (!others) throw new Conflict(`${lost[0]} is the last enabled ${admin}`, 'last_admin')
  }

  const prepareOne = (before: User, different: Partial<User>, reason?: EndReason): Prepared | undefined => {
    const wanted = { ...before, ...different }
    const change = reason ?? reasonOf(before, wanted)
    if (change === undefined) return undefined
    const ends = change !== 'user_enabled' && change !== 'data_changed'
    const after: User = {
      ...{ ...wanted, epoch: ends ? random.uuid() : before.epoch },
      ...{ updatedAt: clock.now(), revision: before.revision + 1 },
    }
    const endings = ends ? sessions.endings(before.name, change) : []
    return { after, ends, entries: [audit.userChanged(after, change, before), ...endings] }
  }

  return {
    get size() {
      return users.size
    },
    find: (name) => users.get(name),
    get(name) {
      const user = users.get(name)
      if (!user) throw new NotFound(`there is no user ${name}`)
      return user
    },
    all: () => [...users.values()],
    prepare(before, different, reason) {
      const prepared = prepareOne(before, different, reason)
      if (prepared) keepAnAdmin(new Map([[before.name, prepared.after]]))
      return prepared
    },
    prepareAll(changes, reason) {
      const prepared = changes.flatMap(({ before, different }) => prepareOne(before, different, reason) ?? [])
      keepAnAdmin(new Map(prepared.map(({ after }) => [after.name, after])))
      return prepared
    },
    settle(prepared) {
      for (const { after, ends } of prepared) {
        users.set(after.name, after)
        if (ends) sessions.forget(after.name)
      }
    },
    added: (user) => void users.set(user.name, user),
    refuseLast: (user) => keepAnAdmin(new Map([[user.name, undefined]])),
    removed(name) {
      users.delete(name)
      sessions.forget(name)
      for (const user of users.values())
        if (user.owner === name || user.delegatedBy === name)
          users.set(user.name, {
            ...user,
            owner: user.owner === name ? null : user.owner,
            delegatedBy: user.delegatedBy === name ? null : user.delegatedBy,
          })
    },
  }
}

const sameRoles = (one: readonly string[], other: readonly string[]): boolean =>
  new Set(one).symmetricDifference(new Set(other)).size === 0

const sameScopedRoles = (one: User['scopedRoles'], other: User['scopedRoles']): boolean =>
  groupsIn(one, other).every((group) => sameRoles(rolesIn(one, group), rolesIn(other, group)))

/** What weighs most of what differs; undefined when nothing does. */
function reasonOf(before: User, after: User): Change | undefined {
  if (before.enabled && !after.enabled) return 'user_disabled'
  if (before.passwordHash !== after.passwordHash) return 'password_changed'
  // Sessions that were opened without one.
  if (!before.totpRequired && after.totpRequired) return 'two_factor_changed'
  if (!sameRoles(before.roles, after.roles) || !sameScopedRoles(before.scopedRoles, after.scopedRoles))
    return 'roles_changed'
  if (!before.enabled && after.enabled) return 'user_enabled'
  const { roles: _, scopedRoles: __, ...rest } = after
  const same = Object.entries(rest).every(([key, value]) =>
    isDeepStrictEqual(value, before[key as keyof User]),
  )
  return same ? undefined : 'data_changed'
}
