import { Conflict, NotFound } from '../../core/errors.ts'
import type { Audit } from '../audit/audit.ts'
import type { AppGroup, Store, User } from '../store/index.ts'
import type { Records } from './records.ts'
import { refuseOther } from './users.ts'

/**
 * Groups of apps, in memory as on disk: roles that a user has for a group hold for its apps. Other apps of
 * a group, and its going, end the sessions of those who have roles for it.
 */
export interface AppGroups {
  list(): AppGroup[]
  /** Throws `NotFound`. */
  get(name: string): AppGroup
  /** Throws `NotFound`. */
  refuseUnknown(names: readonly string[]): void
  /** The user's roles for one app; the global ones alone where nobody says which app it is. */
  rolesFor(user: User, clientId: string | undefined): readonly string[]
  /** Whoever has roles for it. */
  holders(name: string): User[]
  add(group: Pick<AppGroup, 'name' | 'apps' | 'owner'>): Promise<AppGroup>
  change(name: string, apps: readonly string[], checks?: AppGroupChecks): Promise<AppGroup>
  /** `force` takes the roles for it from who has some. Throws `Conflict` otherwise. */
  remove(name: string, force: boolean, checks?: AppGroupChecks): Promise<void>
  /** What a user made who goes, belongs to nobody. */
  disown(user: string): void
}

/** Asked when no other change can come between; `allowed` throws when it is not to be. */
export interface AppGroupChecks {
  ifRevision?: number | undefined
  /** `touched`: who has roles for it. */
  allowed?: ((change: { before: AppGroup; touched: readonly User[] }) => void) | undefined
}

export interface AppGroupsDeps {
  store: Store
  records: Records
  audit: Pick<Audit, 'appGroupChanged'>
}

const maxGroups = 256

export function createAppGroups({ store, records, audit }: AppGroupsDeps): AppGroups {
  const groups = new Map(store.contents.appGroups.map((group) => [group.name, group]))
  const get = (name: string): AppGroup => {
    const group = groups.get(name)
    if (!group) throw new NotFound(`there is no group of apps ${name}`)
    return group
  }
  const holders = (name: string): User[] =>
    records.all().filter(({ scopedRoles }) => Object.hasOwn(scopedRoles, name))

  return {
    list: () => [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    get,
    refuseUnknown(names) {
      for (const name of names) get(name)
    },
    rolesFor({ roles, scopedRoles }, clientId) {
      const scoped = Object.entries(scopedRoles)
      if (scoped.length === 0 || clientId === undefined) return roles
      const holding = scoped.filter(([group]) => groups.get(group)?.apps.includes(clientId))
      return holding.length === 0 ? roles : [...new Set([...roles, ...holding.flatMap(([, held]) => held)])]
    },
    holders,
    add: (asked) =>
      store.change(async (disk) => {
        if (groups.has(asked.name)) throw new Conflict(`there is a group of apps ${asked.name} already`)
        if (holders(asked.name).length > 0)
          throw new Conflict(`users have roles for a group ${asked.name}`, 'in_use')
        if (groups.size >= maxGroups) throw new Conflict(`there are ${maxGroups} groups already`, 'too_many')
        const group = { ...asked, revision: 1 }
        await disk.call('putAppGroup', [audit.appGroupChanged(group.name, 'added', group.apps)], group, [])
        groups.set(group.name, group)
        return group
      }),
    change: (name, apps, { ifRevision, allowed } = {}) =>
      store.change(async (disk) => {
        const before = get(name)
        refuseOther(before, ifRevision)
        const touched = holders(name)
        allowed?.({ before, touched })
        if (new Set(before.apps).symmetricDifference(new Set(apps)).size === 0) return before
        const group = { ...before, apps, revision: before.revision + 1 }
        const changes = touched.map((user) => ({ before: user, different: {} }))
        const renewed = records.prepareAll(changes, 'roles_changed')
        const entry = audit.appGroupChanged(name, 'changed', apps)
        const entries = [entry, ...renewed.flatMap((one) => one.entries)]
        await disk.call(
          'putAppGroup',
          entries,
          group,
          renewed.map((one) => one.after),
        )
        groups.set(name, group)
        records.settle(renewed)
        return group
      }),
    remove: (name, force, { ifRevision, allowed } = {}) =>
      store.change(async (disk) => {
        const before = get(name)
        refuseOther(before, ifRevision)
        const touched = holders(name)
        allowed?.({ before, touched })
        if (touched.length > 0 && !force)
          throw new Conflict(
            `${touched.map((user) => user.name).join(', ')} have roles for ${name}`,
            'in_use',
          )
        const changes = touched.map((user) => ({ before: user, different: without(user, name) }))
        const renewed = records.prepareAll(changes, 'roles_changed')
        const entries = [audit.appGroupChanged(name, 'removed'), ...renewed.flatMap((one) => one.entries)]
        await disk.call(
          'removeAppGroup',
          entries,
          name,
          renewed.map((one) => one.after),
        )
        groups.delete(name)
        records.settle(renewed)
      }),
    disown(user) {
      for (const group of groups.values())
        if (group.owner === user) groups.set(group.name, { ...group, owner: null })
    },
  }
}

function without({ scopedRoles }: User, name: string): Pick<User, 'scopedRoles'> {
  const { [name]: _, ...others } = scopedRoles
  return { scopedRoles: others }
}
