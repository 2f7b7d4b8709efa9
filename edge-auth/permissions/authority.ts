import type { Caller } from '../../core/control.ts'
import { Forbidden } from '../../core/errors.ts'
import type { Refused } from '../audit/audit.ts'
import type { User } from '../store/index.ts'
import { all, may, type Need, type Permissions, within } from './permission.ts'

/**
 * What a caller may do now. The machine may do everything; a user what his roles give; who is disabled or
 * gone, nothing. Refusals are `Forbidden`, and told to the audit.
 */
export interface Authority {
  /** `own`: the thing was made by who asks. */
  may(caller: Caller, need: Need, own?: boolean): boolean
  demand(caller: Caller, need: Need, own?: boolean): void
  /** Nobody gives, takes or touches more than he has himself. Throws `Forbidden` with `above_own`. */
  demandWithin(caller: Caller, need: Need, permissions: Permissions): void
  /** Who is let through to some apps only lets nobody through to others. Throws the same. */
  demandApps(caller: Caller, need: Need, apps: readonly string[] | null): void
  /** For what is refused by another rule. */
  refuse(caller: Caller, need: Need, why: string, code?: string): never
}

export interface AuthorityDeps {
  /** Who may act now. */
  active(name: string): User | undefined
  permissionsOf(user: User): Permissions
  denied(refused: Refused & Need): void
}

export function createAuthority({ active, permissionsOf, denied }: AuthorityDeps): Authority {
  const held = ({ user }: Caller): Permissions => {
    if (user === undefined) return all
    const record = active(user)
    return record ? permissionsOf(record) : {}
  }
  const refuse: Authority['refuse'] = (caller, need, why, code) => {
    const { user, address, requestId } = caller
    denied({ ...need, user, address, requestId })
    throw new Forbidden(why, code)
  }
  return {
    refuse,
    may: (caller, need, own) => may(held(caller), need, own),
    demand(caller, need, own) {
      if (may(held(caller), need, own)) return
      refuse(caller, need, `this needs the permission ${need.category} to ${need.act}`)
    },
    demandWithin(caller, need, permissions) {
      if (within(permissions, held(caller))) return
      refuse(caller, need, 'this is about permissions that you do not have', 'above_own')
    },
    demandApps(caller, need, apps) {
      const own = caller.user === undefined ? null : (active(caller.user)?.apps ?? null)
      if (own === null || apps?.every((app) => own.includes(app))) return
      refuse(caller, need, 'this is about apps that you are not let through to', 'above_own')
    },
  }
}
