import Type, { type Static } from 'typebox'
import type { Profile, User } from '../store/index.ts'
import { roleNamePattern } from './roles.ts'
import { namePattern } from './users.ts'

const strict = { additionalProperties: false }
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

export const Name = Type.String({ pattern: namePattern })
export const RoleName = Type.String({ pattern: roleNamePattern })
/** Of an app, or of a group of apps. */
export const AppName = Type.String({ pattern: roleNamePattern })
export const RoleNames = Type.Array(RoleName, { uniqueItems: true, maxItems: 64 })
export const AppNames = Type.Array(AppName, { uniqueItems: true, maxItems: 256 })
const Text = Type.String({ maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })

/** An empty text and null both take it away. */
export const ProfileChange = Type.Object(
  {
    firstName: Type.Optional(nullable(Text)),
    lastName: Type.Optional(nullable(Text)),
    email: Type.Optional(nullable(Text)),
    phone: Type.Optional(nullable(Text)),
  },
  strict,
)
export const Password = Type.String({ maxLength: 1024 })
export const IfRevision = Type.Optional(Type.Integer({ minimum: 1 }))

/** What can be said of a user when he is made, and later. */
export const members = {
  alias: Type.Optional(nullable(Name)),
  profile: Type.Optional(ProfileChange),
  roles: Type.Optional(RoleNames),
  scopedRoles: Type.Optional(Type.Record(AppName, RoleNames)),
  apps: Type.Optional(nullable(AppNames)),
  enabled: Type.Optional(Type.Boolean()),
  mustChange: Type.Optional(Type.Boolean()),
  totpRequired: Type.Optional(Type.Boolean()),
  delegatedBy: Type.Optional(nullable(Name)),
  copyRolesFrom: Type.Optional(Name),
}

export function changedProfile(before: Profile, change: Static<typeof ProfileChange> = {}): Profile {
  const merged = Object.entries({ ...before, ...change })
  return Object.fromEntries(merged.filter(([, value]) => value !== null && value !== ''))
}

/** A user as he is shown; never his password, in whatever form. */
export const shownUser = (user: User, passwordExpired: boolean, validUntil: number | null) => {
  const { name, alias, profile, owner, delegatedBy, roles, scopedRoles, apps } = user
  const { enabled, totpRequired, passwordHash, createdAt, updatedAt, revision } = user
  return {
    ...{ name, alias, profile, owner, delegatedBy, roles, scopedRoles, apps, enabled },
    ...{ mustChange: passwordExpired, totpRequired, signsInHere: passwordHash !== null },
    ...{ validUntil, createdAt, updatedAt, revision },
  }
}
