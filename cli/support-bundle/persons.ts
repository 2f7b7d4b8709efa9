/** Fields of the log and the audit that say who somebody is. */
const personal = new Set([
  ...['user', 'username', 'actor', 'owner', 'delegatedBy', 'alias', 'email', 'subject', 'sub', 'name'],
  ...[
    'firstName',
    'lastName',
    'phone',
    'address',
    'remoteAddress',
    'userAgent',
    'session',
    'members',
    'seen',
  ],
])

/** Nobody in person. */
const impersonal = new Set(['machine'])

/** Puts `user-1` in place of a name, the same one for the same name, so that who did what can still be followed. */
export function createPseudonyms(): (line: object) => object {
  const given = new Map<string, string>()
  const counts = new Map<string, number>()
  const pseudonym = (field: string, value: string): string => {
    if (impersonal.has(value)) return value
    const known = given.get(value)
    if (known !== undefined) return known
    const number = (counts.get(field) ?? 0) + 1
    counts.set(field, number)
    given.set(value, `${field}-${number}`)
    return `${field}-${number}`
  }
  const replaced = (value: unknown, field = ''): unknown => {
    if (typeof value === 'string') return personal.has(field) ? pseudonym(field, value) : value
    if (Array.isArray(value)) return value.map((inner) => replaced(inner, field))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner, name)]))
  }
  return (line) => replaced(line) as object
}
