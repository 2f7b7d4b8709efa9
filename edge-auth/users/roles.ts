import { Conflict, Invalid, NotFound } from '../../core/errors.ts'
import type { Audit } from '../audit/audit.ts'
import { type Permissions, predefinedRoles, sum, within } from '../permissions/index.ts'
import type { CustomRole, Disk, Store, User } from '../store/index.ts'
import type { Records } from './records.ts'
import { refuseOther } from './users.ts'

export const roleNamePattern = '^[A-Za-z0-9._-]{1,64}$'

export type ShownRole = CustomRole & { predefined: boolean }

/**
 * The predefined roles and those of this box, in memory as on disk. Other permissions of a role, and its
 * going, end the sessions of those who have it.
 */
export interface Roles {
  list(): ShownRole[]
  /** Throws `NotFound`. */
  get(name: string): ShownRole
  /** Throws `Invalid` that names what there is. */
  refuseUnknown(names: readonly string[]): void
  /** What the user may do now in the administration: his roles add up. */
  permissionsOf(user: User): Permissions
  /** With what his roles for some apps only would give. */
  reachOf(user: Pick<User, 'roles' | 'scopedRoles'>): Permissions
  /** Whoever has it, for some apps at least. */
  holders(name: string): User[]
  add(role: Pick<CustomRole, 'name' | 'description' | 'permissions' | 'owner'>): Promise<ShownRole>
  change(
    name: string,
    edit: Partial<Pick<CustomRole, 'description' | 'permissions'>>,
    checks?: RoleChecks,
  ): Promise<ShownRole>
  /** `force` takes it from who has it. Throws `Conflict` while it is in use otherwise, or at a gate. */
  remove(name: string, force: boolean, checks?: RoleChecks): Promise<void>
  /** What a user made who goes, belongs to nobody. */
  disown(user: string): void
}

/** Asked when no other change can come between; `allowed` throws when it is not to be. */
export interface RoleChecks {
  ifRevision?: number | undefined
  /** `touched`: whose permissions change with it. */
  allowed?: ((change: { before: ShownRole; after?: ShownRole; touched: readonly User[] }) => void) | undefined
}

export interface RolesDeps {
  store: Store
  records: Records
  audit: Pick<Audit, 'roleChanged'>
  /** Client ids of the apps whose gates ask for the role. */
  gatesOf(role: string): readonly string[]
}

const predefined = predefinedRoles.map((role) => ({ ...role, owner: null, revision: 1, predefined: true }))
const maxRoles = 256

export function createRoles({ store, records, audit, gatesOf }: RolesDeps): Roles {
  const own = new Map(store.contents.roles.map((role) => [role.name, role]))
  /** What roles give changes only with the records of those who have them. */
  const known = new WeakMap<User, Permissions>()

  const find = (name: string): ShownRole | undefined => {
    const custom = own.get(name)
    return custom ? { ...custom, predefined: false } : predefined.find((role) => role.name === name)
  }
  const get = (name: string): ShownRole => {
    const role = find(name)
    if (!role) throw new NotFound(`there is no role ${name}`)
    return role
  }
  const changeable = (name: string): ShownRole => {
    const role = get(name)
    if (role.predefined) throw new Conflict(`${name} is the same on every box`, 'predefined_role')
    return role
  }
  const sumOf = (names: readonly string[]) => sum(names.map((name) => find(name)?.permissions ?? {}))
  const holders = (name: string): User[] => records.all().filter((user) => rolesOf(user).includes(name))

  const commit = async (
    disk: Disk,
    after: CustomRole,
    touched: readonly User[],
    reason: 'added' | 'changed',
  ): Promise<ShownRole> => {
    const renewed = records.prepareAll(
      touched.map((user) => ({ before: user, different: {} })),
      'roles_changed',
    )
    const entries = [audit.roleChanged(after.name, reason, after), ...renewed.flatMap((one) => one.entries)]
    await disk.call(
      'putRole',
      entries,
      after,
      renewed.map((one) => one.after),
    )
    own.set(after.name, after)
    records.settle(renewed)
    return get(after.name)
  }

  return {
    list: () => [...predefined, ...[...own.values()].map((role) => ({ ...role, predefined: false }))],
    get,
    holders,
    refuseUnknown(names) {
      const unknown = names.filter((name) => !find(name))
      if (unknown.length === 0) return
      const all = [...predefined, ...own.values()].map(({ name }) => name)
      throw new Invalid(`there is no role ${unknown.join(', ')}`, { cure: `Roles are ${all.join(', ')}.` })
    },
    permissionsOf(user) {
      const before = known.get(user)
      if (before) return before
      const permissions = sumOf(user.roles)
      known.set(user, permissions)
      return permissions
    },
    reachOf: (user) => sumOf(rolesOf(user)),
    add: (role) =>
      store.change(async (disk) => {
        const same = [...predefined, ...own.values()].find((other) => looksLike(other.name, role.name))
        if (same) throw new Conflict(`there is a role ${same.name} already`)
        // Who has the name of a role that went gets no other by it.
        if (holders(role.name).length > 0) throw new Conflict(`users have a role ${role.name}`, 'in_use')
        if (own.size >= maxRoles) throw new Conflict(`there are ${maxRoles} roles already`, 'too_many')
        return commit(disk, { ...role, revision: 1 }, [], 'added')
      }),
    change: (name, edit, { ifRevision, allowed } = {}) =>
      store.change(async (disk) => {
        const before = changeable(name)
        refuseOther(before, ifRevision)
        const { predefined: _, ...role } = before
        const after = { ...role, ...edit, revision: role.revision + 1 }
        const touched = equal(role.permissions, after.permissions) ? [] : holders(name)
        allowed?.({ before, after: { ...after, predefined: false }, touched })
        return commit(disk, after, touched, 'changed')
      }),
    remove: (name, force, { ifRevision, allowed } = {}) =>
      store.change(async (disk) => {
        const before = changeable(name)
        refuseOther(before, ifRevision)
        const touched = holders(name)
        allowed?.({ before, touched })
        const gates = gatesOf(name)
        if (gates.length > 0)
          throw new Conflict(`the guard asks for ${name} at ${gates.join(', ')}`, 'in_use')
        if (touched.length > 0 && !force)
          throw new Conflict(`${touched.map((user) => user.name).join(', ')} have the role ${name}`, 'in_use')
        const changes = touched.map((user) => ({ before: user, different: without(user, name) }))
        const renewed = records.prepareAll(changes, 'roles_changed')
        const entries = [audit.roleChanged(name, 'removed'), ...renewed.flatMap((one) => one.entries)]
        await disk.call(
          'removeRole',
          entries,
          name,
          renewed.map((one) => one.after),
        )
        own.delete(name)
        records.settle(renewed)
      }),
    disown(user) {
      for (const role of own.values()) if (role.owner === user) own.set(role.name, { ...role, owner: null })
    },
  }
}

const looksLike = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()
const equal = (one: Permissions, other: Permissions): boolean => within(one, other) && within(other, one)

const rolesOf = ({ roles, scopedRoles }: Pick<User, 'roles' | 'scopedRoles'>): string[] => [
  ...roles,
  ...Object.values(scopedRoles).flat(),
]

function without({ roles, scopedRoles }: User, name: string): Pick<User, 'roles' | 'scopedRoles'> {
  const scoped = Object.entries(scopedRoles).map(
    ([group, held]) => [group, held.filter((role) => role !== name)] as const,
  )
  return {
    roles: roles.filter((role) => role !== name),
    scopedRoles: Object.fromEntries(scoped.filter(([, held]) => held.length > 0)),
  }
}
