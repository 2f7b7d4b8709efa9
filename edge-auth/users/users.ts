import type { Clock } from '../../core/clock.ts'
import { Conflict, NotFound } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, EndedBy } from '../audit/audit.ts'
import { admin } from '../permissions/index.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { EndReason, Store, User } from '../store/index.ts'

export const namePattern = '^[A-Za-z0-9._@-]{1,128}$'

/**
 * Users, in memory as on disk. A record is never altered: as long as `find` gives the same object,
 * nothing about the user has changed. Every change but an enabling ends the user's sessions with it.
 * The last enabled Admin stays one: `Conflict` otherwise. Unknown names are `NotFound`.
 */
export interface Users {
  readonly count: number
  find(name: string): User | undefined
  get(name: string): User
  list(): User[]
  /** `asFirst`: only while there is no user. Throws `Conflict`. */
  add(user: NewUser, asFirst?: boolean): Promise<User>
  setRoles(name: string, roles: readonly string[]): Promise<User>
  /** `unchanged`: only while the record is this one. Throws `Conflict`. */
  setPassword(name: string, password: NewPassword, unchanged?: User): Promise<void>
  setEnabled(name: string, enabled: boolean): Promise<void>
  /** Leaves the user as he is. Returns how many there were. */
  endSessions(name: string, reason: EndReason, by?: EndedBy): Promise<number>
  remove(name: string): Promise<void>
  /** Whether signing in needs a new password. */
  passwordExpired(user: User): boolean
}

export type NewPassword = Pick<User, 'passwordHash'> & Partial<Pick<User, 'mustChange'>>
export type NewUser = Pick<User, 'name' | 'roles'> & NewPassword

export interface UsersDeps {
  store: Store
  sessions: Sessions
  clock: Clock
  random: Random
  audit: Audit
}

export interface UsersConfig {
  /** How long a password is good; 0: for ever. */
  passwordValidityMs: number
}

/** Why a record is replaced. */
type Change = EndReason | 'user_enabled'

const isActiveAdmin = (user: User | undefined): boolean =>
  user?.enabled === true && user.roles.includes(admin)

export function createUsers(
  { store, sessions, clock, random, audit }: UsersDeps,
  { passwordValidityMs }: UsersConfig,
): Users {
  const users = new Map(store.contents.users.map((user) => [user.name, user]))

  const get = (name: string): User => {
    const user = users.get(name)
    if (!user) throw new NotFound(`there is no user ${name}`)
    return user
  }

  const keepAnAdmin = (before: User, after: User | undefined): void => {
    if (!isActiveAdmin(before) || isActiveAdmin(after)) return
    const others = [...users.values()].some((user) => user !== before && isActiveAdmin(user))
    if (!others) throw new Conflict(`${before.name} is the last enabled ${admin}`, 'last_admin')
  }

  /** `edit` gives what differs, or nothing when all is as asked. */
  const change = (
    name: string,
    reason: Change,
    edit: (user: User) => Partial<User> | undefined,
  ): Promise<User> =>
    store.change(async (disk) => {
      const before = get(name)
      const different = edit(before)
      if (!different) return before
      const epoch = reason === 'user_enabled' ? before.epoch : random.uuid()
      const after: User = {
        ...{ ...before, ...different, epoch },
        ...{ updatedAt: clock.now(), revision: before.revision + 1 },
      }
      keepAnAdmin(before, after)
      const endings = reason === 'user_enabled' ? [] : sessions.endings(name, reason)
      const entries = [audit.userChanged(after, reason, before), ...endings]
      await disk.call('putUser', entries, after, epoch !== before.epoch)
      users.set(name, after)
      if (epoch !== before.epoch) sessions.forget(name)
      return after
    })

  return {
    get count() {
      return users.size
    },
    find: (name) => users.get(name),
    get,
    list: () => [...users.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    add: ({ name, roles, passwordHash, mustChange = false }, asFirst = false) =>
      store.change(async (disk) => {
        if (users.has(name)) throw new Conflict(`there is a user ${name} already`)
        if (asFirst && users.size > 0) throw new Conflict('there is a first user already')
        const now = clock.now()
        const user: User = {
          ...{ name, alias: null, profile: {}, owner: null, delegatedBy: null },
          ...{ roles, scopedRoles: {}, apps: null, passwordHash, mustChange, totpRequired: false },
          ...{ enabled: true, validUntil: null, epoch: random.uuid() },
          ...{ passwordSetAt: now, createdAt: now, updatedAt: now, revision: 1 },
        }
        await disk.call('putUser', [audit.userAdded(user)], user, true)
        users.set(name, user)
        return user
      }),
    setRoles: (name, roles) =>
      change(name, 'roles_changed', (user) =>
        new Set(user.roles).symmetricDifference(new Set(roles)).size > 0 ? { roles } : undefined,
      ),
    async setPassword(name, { passwordHash, mustChange = false }, unchanged) {
      await change(name, 'password_changed', (user) => {
        if (unchanged && user !== unchanged) throw new Conflict(`${name} was changed meanwhile`)
        return { passwordHash, mustChange, passwordSetAt: clock.now() }
      })
    },
    async setEnabled(name, enabled) {
      await change(name, enabled ? 'user_enabled' : 'user_disabled', (user) =>
        user.enabled === enabled ? undefined : { enabled },
      )
    },
    endSessions: (name, reason, by) =>
      store.change(async (disk) => {
        const before = get(name)
        const after: User = { ...before, epoch: random.uuid(), revision: before.revision + 1 }
        await disk.call('putUser', sessions.endings(name, reason, by), after, true)
        users.set(name, after)
        return sessions.forget(name)
      }),
    remove: (name) =>
      store.change(async (disk) => {
        const user = get(name)
        keepAnAdmin(user, undefined)
        const entries = [audit.userRemoved(user), ...sessions.endings(name, 'user_removed')]
        await disk.call('removeUser', entries, name)
        users.delete(name)
        sessions.forget(name)
      }),
    passwordExpired: ({ mustChange, passwordSetAt }) =>
      mustChange || (passwordValidityMs > 0 && clock.now() - passwordSetAt >= passwordValidityMs),
  }
}
