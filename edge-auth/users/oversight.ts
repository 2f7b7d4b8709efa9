import type { Caller } from '../../core/control.ts'
import type { Act, Authority, Need } from '../permissions/index.ts'
import type { User } from '../store/index.ts'
import type { Roles } from './roles.ts'
import type { Checks } from './users.ts'

/** Who may do what to users: who has made one manages him, and nobody gives or touches more than he has. */
export interface Oversight {
  maySee(caller: Caller, user: User): boolean
  demandSee(caller: Caller, user: User): void
  /** For a list: of all, or of one's own. */
  demandSome(caller: Caller): void
  /** The caller may do this to the user, and could have made him. */
  demandOver(caller: Caller, act: Act, user: User): void
  /** Whether the caller has all that the user has. */
  demandReach(caller: Caller, act: Act, user: User): void
  /** For a change within the store: over the user as he is, and as he would be. */
  checks(caller: Caller, act: Act, ifRevision?: number): Checks
}

export interface OversightDeps {
  authority: Authority
  roles: Pick<Roles, 'reachOf' | 'refuseUnknown'>
}

export const usersNeed = (act: Act): Need => ({ category: 'Users', act })

export const isOwn = ({ owner }: { owner: string | null }, { user }: Caller): boolean =>
  owner !== null && owner === user

export function createOversight({ authority, roles }: OversightDeps): Oversight {
  const { demand, may } = authority
  const demandReach: Oversight['demandReach'] = (caller, act, user) => {
    authority.demandWithin(caller, usersNeed(act), roles.reachOf(user))
    authority.demandApps(caller, usersNeed(act), user.apps)
  }
  const demandOver: Oversight['demandOver'] = (caller, act, user) => {
    demand(caller, usersNeed(act), isOwn(user, caller))
    demandReach(caller, act, user)
  }
  return {
    maySee: (caller, user) => may(caller, usersNeed('read'), isOwn(user, caller)),
    demandSee: (caller, user) => demand(caller, usersNeed('read'), isOwn(user, caller)),
    demandSome: (caller) => demand(caller, usersNeed('read'), true),
    demandOver,
    demandReach,
    checks: (caller, act, ifRevision) => ({
      ifRevision,
      allowed({ before, after }) {
        if (before) demandOver(caller, act, before)
        else demand(caller, usersNeed(act))
        if (after) demandReach(caller, act, after)
        // They may have gone while the password was hashed.
        if (after && !before)
          roles.refuseUnknown([...after.roles, ...Object.values(after.scopedRoles).flat()])
      },
    }),
  }
}
