import type { Static, TObject } from 'typebox'
import type { Caller } from '../../core/control.ts'
import { Invalid } from '../../core/errors.ts'
import type { Authority } from '../permissions/index.ts'
import type { User } from '../store/index.ts'
import type { AppGroups } from './app-groups.ts'
import { changedProfile, type members } from './members.ts'
import { type Oversight, usersNeed } from './oversight.ts'
import type { Roles } from './roles.ts'
import { groupsIn, rolesIn } from './scoped-roles.ts'
import type { NewUser, Users } from './users.ts'

type Members = Static<TObject<typeof members>>

/** What is to be different of a user. */
export type Wish = Members & { owner?: string | null; copyMode?: 'merge' | 'replace' }

export interface EditsDeps {
  users: Users
  roles: Roles
  groups: AppGroups
  oversight: Oversight
  authority: Authority
}

/** From what was asked for to the members of a record. */
export interface Edits {
  /** Throws for names that are not there, and for what the caller may not ask. */
  check(caller: Caller, wish: Wish): void
  of(user: User, wish: Wish): Partial<User>
  ofNew(wish: Wish): Omit<NewUser, 'name' | 'passwordHash' | 'owner'>
}

export function createEdits({ users, roles, groups, oversight, authority }: EditsDeps): Edits {
  const rolesOf = (before: Pick<User, 'roles' | 'scopedRoles'>, wish: Wish) => {
    const scopedRoles = filled(wish.scopedRoles ?? before.scopedRoles)
    const own = { roles: wish.roles ?? before.roles, scopedRoles }
    const source = wish.copyRolesFrom === undefined ? undefined : users.get(wish.copyRolesFrom)
    const after = source ? (wish.copyMode === 'replace' ? copied(source) : merged(own, source)) : own
    if (after.roles.length + Object.keys(after.scopedRoles).length === 0)
      throw new Invalid('a user has at least one role')
    // Asked here, not before: what is copied or kept may have gone meanwhile.
    roles.refuseUnknown([...after.roles, ...Object.values(after.scopedRoles).flat()])
    groups.refuseUnknown(Object.keys(after.scopedRoles))
    return after
  }
  const touchesRoles = (wish: Wish): boolean =>
    [wish.roles, wish.scopedRoles, wish.copyRolesFrom].some((member) => member !== undefined)

  return {
    check(caller, { owner, delegatedBy, copyRolesFrom }) {
      // Whom a user belongs to is nobody's own thing.
      if (owner !== undefined) authority.demand(caller, usersNeed('update'))
      for (const name of [owner, delegatedBy]) if (name) users.get(name)
      if (copyRolesFrom !== undefined) oversight.demandSee(caller, users.get(copyRolesFrom))
    },
    of(user, wish) {
      const { alias, profile, apps, enabled, mustChange, totpRequired, owner, delegatedBy } = wish
      const plain = { alias, apps, enabled, mustChange, totpRequired, owner, delegatedBy }
      return {
        ...given(plain),
        ...(profile && { profile: changedProfile(user.profile, profile) }),
        ...(touchesRoles(wish) && rolesOf(user, wish)),
      }
    },
    ofNew(wish) {
      const { alias, profile, apps, enabled, mustChange, totpRequired, delegatedBy } = wish
      return {
        ...given({ alias, apps, enabled, mustChange, totpRequired, delegatedBy }),
        ...{ profile: changedProfile({}, profile), ...rolesOf({ roles: [], scopedRoles: {} }, wish) },
      }
    },
  }
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }
const given = <T extends object>(members: T): Given<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>

type Held = Pick<User, 'roles' | 'scopedRoles'>
const copied = ({ roles, scopedRoles }: Held): Held => ({ roles, scopedRoles })
const filled = (scoped: Held['scopedRoles']): Held['scopedRoles'] =>
  Object.fromEntries(Object.entries(scoped).filter(([, held]) => held.length > 0))

const union = (one: readonly string[], other: readonly string[]): string[] => [...new Set([...one, ...other])]

function merged(one: Held, other: Held): Held {
  return {
    roles: union(one.roles, other.roles),
    scopedRoles: Object.fromEntries(
      groupsIn(one.scopedRoles, other.scopedRoles).map((group) => [
        group,
        union(rolesIn(one.scopedRoles, group), rolesIn(other.scopedRoles, group)),
      ]),
    ),
  }
}
