import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { Authority } from '../permissions/index.ts'
import type { User } from '../store/index.ts'
import { Name, RoleName } from './members.ts'
import { type Oversight, usersNeed } from './oversight.ts'
import type { Roles } from './roles.ts'
import { maxServiceHours, type ServiceAccess } from './service-access.ts'

const strict = { additionalProperties: false }
const parseOpen = parser(
  Type.Object(
    { role: RoleName, hours: Type.Optional(Type.Integer({ minimum: 1, maximum: maxServiceHours })) },
    strict,
  ),
)
const parseClose = parser(Type.Object({ name: Name }, strict))
const parseNothing = parser(Type.Object({}, strict))

export interface ServiceOperationsDeps {
  serviceAccess: ServiceAccess
  roles: Roles
  oversight: Oversight
  authority: Authority
  /** The box's clock, of a session time. */
  onClock(sessionTime: number): number
}

export function serviceOperations(deps: ServiceOperationsDeps): Operations {
  const { serviceAccess, roles, oversight, authority, onClock } = deps
  const shown = ({ name, roles, owner, createdAt, validUntil }: User) => ({
    ...{ name, roles, owner, createdAt, validUntil: onClock(validUntil as number) },
  })
  return {
    'serviceAccess.open': async (params, caller) => {
      const { role, hours = maxServiceHours } = parseOpen(params, 'serviceAccess.open')
      authority.demand(caller, usersNeed('admin'))
      roles.refuseUnknown([role])
      const asked = { role, hours, owner: caller.user ?? null }
      const { user, password } = await serviceAccess.open(asked, oversight.checks(caller, 'create'))
      return { ...shown(user), password }
    },
    'serviceAccess.close': async (params, caller) => {
      const { name } = parseClose(params, 'serviceAccess.close')
      await serviceAccess.close(name, oversight.checks(caller, 'delete'))
    },
    'serviceAccess.list': async (params, caller) => {
      parseNothing(params ?? {}, 'serviceAccess.list')
      oversight.demandSome(caller)
      return serviceAccess
        .list()
        .filter((user) => oversight.maySee(caller, user))
        .map(shown)
    },
  }
}
