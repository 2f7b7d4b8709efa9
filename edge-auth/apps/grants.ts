import { Invalid } from '../../core/errors.ts'

/** Introspection of the technical tokens of every app. */
export const introspectAll = 'introspect:all'

/** What an app may beyond the ordinary. */
export const grants: readonly string[] = [introspectAll]

export function refuseUnknownGrants(asked: readonly string[]): void {
  const unknown = asked.filter((grant) => !grants.includes(grant))
  if (unknown.length > 0)
    throw new Invalid(`there is no grant ${unknown.join(', ')}`, { cure: `Grants are ${grants.join(', ')}.` })
}
