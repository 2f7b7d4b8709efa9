import Type from 'typebox'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])
const Names = Type.Array(Type.String())

export const Permissions = Type.Record(Type.String(), Names)
export const Profile = Type.Object({
  firstName: Type.Optional(Type.String()),
  lastName: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  phone: Type.Optional(Type.String()),
})

/** What a person and the administration both see. */
const account = {
  ...{ name: Type.String(), alias: nullable(Type.String()), profile: Profile },
  ...{ roles: Names, scopedRoles: Type.Record(Type.String(), Names), apps: nullable(Names) },
  ...{ totpRequired: Type.Boolean(), signsInHere: Type.Boolean() },
  ...{ createdAt: Type.Number(), revision: Type.Integer() },
}
const user = {
  ...account,
  ...{ owner: nullable(Type.String()), delegatedBy: nullable(Type.String()) },
  ...{ enabled: Type.Boolean(), mustChange: Type.Boolean() },
  ...{ validUntil: nullable(Type.Number()), updatedAt: Type.Number() },
}
export const User = Type.Object(user)
export const UserWithPermissions = Type.Object({ ...user, permissions: Permissions })
export const OwnAccount = Type.Object({ ...account, permissions: Permissions })

export const ResetCode = Type.Object({ code: Type.String(), expiresAt: Type.Number() })
export const NewUser = Type.Object({
  ...{ name: Type.String(), roles: Names, revision: Type.Integer() },
  ...{ password: Type.Optional(Type.String()), resetCode: Type.Optional(ResetCode) },
})
export const ServiceAccess = Type.Object({
  ...{ name: Type.String(), roles: Names, owner: nullable(Type.String()) },
  ...{ createdAt: Type.Number(), validUntil: Type.Number() },
})
export const Session = Type.Object({
  ...{ id: Type.String(), user: Type.String(), createdAt: Type.Number(), expiresAt: Type.Number() },
  ...{ address: nullable(Type.String()), userAgent: nullable(Type.String()) },
})
export const DeniedRequest = Type.Object({
  ...{ at: Type.Number(), serverTime: Type.Optional(Type.Number()), reason: Type.Optional(Type.String()) },
  ...{ clientId: Type.Optional(Type.String()), requestId: Type.Optional(Type.String()) },
  ...{ path: Type.Optional(Type.String()), method: Type.Optional(Type.String()) },
  ...{ category: Type.Optional(Type.String()), act: Type.Optional(Type.String()) },
})
