import { Invalid } from '../../core/errors.ts'
import { predefinedRoles } from '../permissions/index.ts'

const roles = predefinedRoles.map(({ name }) => name)

export function refuseUnknownRoles(asked: readonly string[]): void {
  const unknown = asked.filter((role) => !roles.includes(role))
  if (unknown.length > 0)
    throw new Invalid(`there is no role ${unknown.join(', ')}`, { cure: `Roles are ${roles.join(', ')}.` })
}
