/** What a permission is about; API. */
export const categories = [
  'Alarms',
  'Applications',
  'Audits',
  'DeviceControl',
  'Identity',
  'Options',
  'OwnUser',
  'Retention',
  'Sessions',
  'SingleSignOn',
  'TokenStore',
  'Users',
] as const
export type Category = (typeof categories)[number]

/**
 * READ sees everything; CREATE makes new things and manages those that the user has made; UPDATE changes
 * and removes everything, and does not see it; ADMIN makes, changes and removes, and does not see it.
 */
export const levels = ['READ', 'CREATE', 'UPDATE', 'ADMIN'] as const
export type Level = (typeof levels)[number]

/** Category × level; a category that is missing gives nothing. */
export type Permissions = Readonly<Partial<Record<Category, readonly Level[]>>>

/** What somebody is about to do; `admin` is for what UPDATE does not suffice for. */
export type Act = 'read' | 'create' | 'update' | 'delete' | 'admin'

/** What a route or operation asks for. */
export interface Need {
  readonly category: Category
  readonly act: Act
}

const suffices: Record<Act, readonly Level[]> = {
  read: ['READ'],
  create: ['CREATE', 'ADMIN'],
  update: ['UPDATE', 'ADMIN'],
  delete: ['UPDATE', 'ADMIN'],
  admin: ['ADMIN'],
}

/** `own`: the thing was made by who asks. */
export function may(permissions: Permissions, { category, act }: Need, own = false): boolean {
  const held = permissions[category] ?? []
  if (own && act !== 'admin' && held.includes('CREATE')) return true
  return held.some((level) => suffices[act].includes(level))
}

/** Whether it could be allowed for something at least: what was made by who asks. */
export const mayOwn = (permissions: Permissions, need: Need): boolean => may(permissions, need, true)

/** All that one of them gives. */
export function sum(all: readonly Permissions[]): Permissions {
  const entries = categories.map((category) => {
    const held = new Set(all.flatMap((permissions) => permissions[category] ?? []))
    return [category, levels.filter((level) => held.has(level))] as const
  })
  return Object.fromEntries(entries.filter(([, held]) => held.length > 0))
}

/** Whether `inner` gives nothing that `outer` does not give. */
export const within = (inner: Permissions, outer: Permissions): boolean =>
  categories.every((category) =>
    (inner[category] ?? []).every((level) => outer[category]?.includes(level) ?? false),
  )

/** Everything. */
export const all: Permissions = Object.fromEntries(categories.map((category) => [category, levels]))
