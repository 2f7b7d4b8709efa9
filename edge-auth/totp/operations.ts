import Type from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { Authority } from '../permissions/index.ts'
import type { User } from '../store/index.ts'
import { Name } from '../users/members.ts'
import { isOwn, type Oversight, usersNeed } from '../users/oversight.ts'
import type { Users } from '../users/users.ts'
import type { BreakGlassCodes } from './break-glass.ts'
import type { SecondFactors } from './second-factors.ts'

const strict = { additionalProperties: false }
const parseNothing = parser(Type.Object({}, strict))
const parseName = parser(Type.Object({ name: Name }, strict))

export interface TotpOperationsDeps {
  secondFactors: SecondFactors
  breakGlass: Pick<BreakGlassCodes, 'make'>
  users: Pick<Users, 'find'>
  oversight: Oversight
  authority: Pick<Authority, 'demand' | 'refuse'>
}

export function totpOperations(deps: TotpOperationsDeps): Operations {
  const { secondFactors, breakGlass, users, oversight, authority } = deps

  /** Who has ADMIN, or has made the user; nobody for himself, and nobody above himself. */
  const demandRevoke = (caller: Caller, user: User): void => {
    const need = usersNeed(isOwn(user, caller) ? 'create' : 'admin')
    authority.demand(caller, need)
    oversight.demandReach(caller, need.act, user)
    if (caller.user === user.name)
      authority.refuse(caller, need, 'nobody takes away his own second factor', 'own_second_factor')
  }

  return {
    'totp.list': async (params, caller) => {
      parseNothing(params ?? {}, 'totp.list')
      oversight.demandSome(caller)
      return secondFactors.list().filter(({ user }) => {
        const record = users.find(user)
        return record !== undefined && oversight.maySee(caller, record)
      })
    },
    'totp.revoke': async (params, caller) => {
      const { name } = parseName(params, 'totp.revoke')
      await secondFactors.revoke(name, (user) => demandRevoke(caller, user))
    },
    'breakGlass.make': async (params, caller) => {
      const { name } = parseName(params, 'breakGlass.make')
      // Not even an Admin: it is for who holds the machine.
      if (caller.user !== undefined)
        authority.refuse(caller, usersNeed('admin'), 'only the command line of the box makes such a code')
      return { name, ...(await breakGlass.make(name)) }
    },
  }
}
