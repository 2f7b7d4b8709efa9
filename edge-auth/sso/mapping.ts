import Type, { type Static } from 'typebox'
import { groupsIn, rolesIn } from '../users/scoped-roles.ts'
import { claimAt } from './claims.ts'

const strict = { additionalProperties: false }

const Condition = Type.Object(
  {
    /** Dotted path into the claims. */
    claim: Type.String({ minLength: 1, maxLength: 256 }),
    operator: Type.Enum(['=', 'in'], {
      description:
        '=: the claim is the value, `*` stands for anything, `\\*` for itself; in: the claim is a list that holds the value',
    }),
    value: Type.String({ maxLength: 512 }),
  },
  strict,
)
type Condition = Static<typeof Condition>

const Roles = Type.Array(Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }), {
  uniqueItems: true,
  maxItems: 64,
})

const Rule = Type.Object(
  {
    /** All of them must hold; none always hold. */
    when: Type.Array(Condition, { maxItems: 32 }),
    roles: Roles,
    /** Roles for the apps of a group, by the group's name. */
    scopedRoles: Type.Optional(Type.Record(Type.String(), Roles)),
    /** Path of the app where who signs in without another aim arrives. */
    defaultApp: Type.Optional(Type.String({ pattern: '^/', maxLength: 512 })),
  },
  strict,
)

export const Mapping = Type.Object(
  {
    mode: Type.Enum(['creation', 'merge', 'replace'], {
      description:
        'creation: a new user alone gets the roles; merge: with each sign-in, roles that no rule names stay; replace: with each sign-in, and no others',
    }),
    rules: Type.Array(Rule, { maxItems: 256 }),
  },
  strict,
)
export type Mapping = Static<typeof Mapping>

export interface Access {
  readonly roles: readonly string[]
  readonly scopedRoles: Readonly<Record<string, readonly string[]>>
}
/** What the rules that hold give together. */
export interface Granted extends Access {
  readonly defaultApp: string | undefined
}

/** Undefined when no rule holds: no access. */
export function granted({ rules }: Mapping, claims: object): Granted | undefined {
  const holding = rules.filter(({ when }) => when.every((condition) => holds(condition, claims)))
  if (holding.length === 0) return undefined
  return { ...joined(holding), defaultApp: holding.find((rule) => rule.defaultApp !== undefined)?.defaultApp }
}

/** Every role that the rules could give. */
export const named = ({ rules }: Mapping): Access => joined(rules)

/** What a user who was there before has afterwards. */
export function reassigned(mapping: Mapping, before: Access, now: Access | undefined): Access {
  const given = now ?? { roles: [], scopedRoles: {} }
  if (mapping.mode === 'creation') return before
  if (mapping.mode === 'replace') return given
  const { roles, scopedRoles } = named(mapping)
  const untouched = {
    roles: before.roles.filter((role) => !roles.includes(role)),
    scopedRoles: Object.fromEntries(
      Object.entries(before.scopedRoles).map(([group, held]) => [
        group,
        held.filter((role) => !rolesIn(scopedRoles, group).includes(role)),
      ]),
    ),
  }
  return joined([untouched, given])
}

function joined(all: readonly Partial<Access>[]): Access {
  const allScoped = all.map(({ scopedRoles = {} }) => scopedRoles)
  const scoped = groupsIn(...allScoped).map((group) => [
    group,
    unique(allScoped.flatMap((scopedRoles) => rolesIn(scopedRoles, group))),
  ])
  return {
    roles: unique(all.flatMap(({ roles = [] }) => roles)),
    scopedRoles: Object.fromEntries(scoped.filter(([, roles]) => (roles as string[]).length > 0)),
  }
}

const unique = (roles: readonly string[]): string[] => [...new Set(roles)].sort()

function holds({ claim, operator, value }: Condition, claims: object): boolean {
  const found = claimAt(claims, claim)
  if (operator === 'in') return Array.isArray(found) && found.some((item) => text(item) === value)
  const single = text(found)
  return single !== undefined && matches(single, value)
}

/** A list or an object is no single value. */
const text = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined

/** Parts between the stars are looked for in order: no regular expression that a value could make slow. */
function matches(value: string, pattern: string): boolean {
  const parts = pattern.split(/(?<!\\)\*/).map((part) => part.replaceAll('\\*', '*'))
  const [first = '', ...others] = parts
  const last = others.pop()
  if (last === undefined) return value === first
  if (!value.startsWith(first)) return false
  let at = first.length
  for (const part of others) {
    const found = value.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return value.length - last.length >= at && value.endsWith(last)
}
