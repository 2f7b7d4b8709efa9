import { Invalid } from '../../core/errors.ts'

export const admin = 'Admin'

/** The names are the same in commands, tokens and introspection replies. */
export const roles: readonly string[] = [admin, 'AppAdmin', 'Operator', 'Viewer']

export function refuseUnknownRoles(asked: readonly string[]): void {
  const unknown = asked.filter((role) => !roles.includes(role))
  if (unknown.length > 0)
    throw new Invalid(`there is no role ${unknown.join(', ')}`, { cure: `Roles are ${roles.join(', ')}.` })
}
