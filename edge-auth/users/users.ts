import type { Clock } from '../../core/clock.ts'
import { Conflict, NotFound } from '../../core/errors.ts'
import type { Audit } from '../audit.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { EndReason, Store, User } from '../store/index.ts'
import { admin } from './roles.ts'

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
  add(user: Pick<User, 'name' | 'roles' | 'passwordHash'>, asFirst?: boolean): Promise<User>
  setRoles(name: string, roles: readonly string[]): Promise<User>
  setPassword(name: string, passwordHash: string): Promise<void>
  setEnabled(name: string, enabled: boolean): Promise<void>
  remove(name: string): Promise<void>
}

export interface UsersDeps {
  store: Store
  sessions: Sessions
  clock: Clock
  audit: Audit
}

const isActiveAdmin = (user: User | undefined): boolean =>
  user?.enabled === true && user.roles.includes(admin)

export function createUsers({ store, sessions, clock, audit }: UsersDeps): Users {
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
    reason: EndReason | 'user_enabled',
    edit: (user: User) => Partial<User> | undefined,
  ): Promise<User> =>
    store.change(async (disk) => {
      const before = get(name)
      const different = edit(before)
      if (!different) return before
      const after = { ...before, ...different, updatedAt: clock.now() }
      keepAnAdmin(before, after)
      const ending = reason === 'user_enabled' ? undefined : { at: after.updatedAt, reason }
      await disk.call('putUser', after, ending)
      users.set(name, after)
      audit.userChanged(name, reason)
      if (ending) sessions.forget({ user: name }, ending.reason)
      return after
    })

  return {
    get count() {
      return users.size
    },
    find: (name) => users.get(name),
    get,
    list: () => [...users.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    add: ({ name, roles, passwordHash }, asFirst = false) =>
      store.change(async (disk) => {
        if (users.has(name)) throw new Conflict(`there is a user ${name} already`)
        if (asFirst && users.size > 0) throw new Conflict('there is a first user already')
        const now = clock.now()
        const user: User = { name, roles, passwordHash, enabled: true, createdAt: now, updatedAt: now }
        await disk.call('putUser', user, undefined)
        users.set(name, user)
        audit.userAdded(name, roles)
        return user
      }),
    setRoles: (name, roles) =>
      change(name, 'roles_changed', (user) =>
        new Set(user.roles).symmetricDifference(new Set(roles)).size > 0 ? { roles } : undefined,
      ),
    async setPassword(name, passwordHash) {
      await change(name, 'password_changed', () => ({ passwordHash }))
    },
    async setEnabled(name, enabled) {
      await change(name, enabled ? 'user_enabled' : 'user_disabled', (user) =>
        user.enabled === enabled ? undefined : { enabled },
      )
    },
    remove: (name) =>
      store.change(async (disk) => {
        keepAnAdmin(get(name), undefined)
        await disk.call('removeUser', name, { at: clock.now(), reason: 'user_removed' })
        users.delete(name)
        audit.userChanged(name, 'user_removed')
        sessions.forget({ user: name }, 'user_removed')
      }),
  }
}
