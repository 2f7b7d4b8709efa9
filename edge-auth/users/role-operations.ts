import Type from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import { type Authority, categories, levels } from '../permissions/index.ts'
import type { AppGroup, User } from '../store/index.ts'
import type { AppGroups } from './app-groups.ts'
import { AppName, AppNames, IfRevision, RoleName } from './members.ts'
import { isOwn, type Oversight, usersNeed } from './oversight.ts'
import type { Roles, ShownRole } from './roles.ts'

const strict = { additionalProperties: false }
const Levels = Type.Array(Type.Enum([...levels]), { uniqueItems: true })
/** Category × levels. */
export const PermissionsGiven = Type.Object(
  Object.fromEntries(categories.map((category) => [category, Type.Optional(Levels)])) as Record<
    (typeof categories)[number],
    Type.TOptional<typeof Levels>
  >,
  strict,
)
const Description = Type.String({ maxLength: 256 })
const Force = Type.Optional(Type.Boolean())

const parseName = parser(Type.Object({ name: RoleName }, strict))
const parseAdd = parser(
  Type.Object(
    { name: RoleName, description: Type.Optional(Description), permissions: PermissionsGiven },
    strict,
  ),
)
const parseSet = parser(
  Type.Object(
    {
      ...{ name: RoleName, ifRevision: IfRevision },
      ...{ description: Type.Optional(Description), permissions: Type.Optional(PermissionsGiven) },
    },
    strict,
  ),
)
const parseRemove = parser(Type.Object({ name: RoleName, force: Force, ifRevision: IfRevision }, strict))
const parseGroup = parser(Type.Object({ name: AppName, apps: AppNames }, strict))
const parseSetGroup = parser(Type.Object({ name: AppName, apps: AppNames, ifRevision: IfRevision }, strict))
const parseNothing = parser(Type.Object({}, strict))

export interface RoleOperationsDeps {
  roles: Roles
  groups: AppGroups
  authority: Authority
  oversight: Oversight
}

const shown = ({ name, description, permissions, owner, revision, predefined }: ShownRole) => ({
  ...{ name, description, permissions, owner, revision, predefined },
})

/** Roles and groups of apps are of the category Users. Nobody makes or alters what gives more than he has. */
export function roleOperations(deps: RoleOperationsDeps): Operations {
  const { roles, authority, oversight } = deps
  const { demand, may } = authority
  const sees = (caller: Caller, role: ShownRole) =>
    role.predefined || may(caller, usersNeed('read'), isOwn(role, caller))

  const allowed =
    (caller: Caller, act: 'update' | 'delete') =>
    ({
      before,
      after,
      touched,
    }: {
      before: ShownRole
      after?: ShownRole
      touched: readonly User[]
    }): void => {
      demand(caller, usersNeed(act), isOwn(before, caller))
      for (const role of [before, ...(after ? [after] : [])])
        authority.demandWithin(caller, usersNeed(act), role.permissions)
      for (const user of touched) oversight.demandReach(caller, act, user)
    }
  return {
    'role.list': async (params, caller) => {
      parseNothing(params ?? {}, 'role.list')
      oversight.demandSome(caller)
      return roles
        .list()
        .filter((role) => sees(caller, role))
        .map(shown)
    },
    'role.show': async (params, caller) => {
      const role = roles.get(parseName(params, 'role.show').name)
      demand(caller, usersNeed('read'), role.predefined || isOwn(role, caller))
      return shown(role)
    },
    'role.add': async (params, caller) => {
      const { name, description = '', permissions } = parseAdd(params, 'role.add')
      demand(caller, usersNeed('create'))
      authority.demandWithin(caller, usersNeed('create'), permissions)
      return shown(await roles.add({ name, description, permissions, owner: caller.user ?? null }))
    },
    'role.set': async (params, caller) => {
      const { name, ifRevision, description, permissions } = parseSet(params, 'role.set')
      const edit = { ...(description !== undefined && { description }), ...(permissions && { permissions }) }
      const role = await roles.change(name, edit, { ifRevision, allowed: allowed(caller, 'update') })
      return sees(caller, role) ? shown(role) : undefined
    },
    'role.remove': async (params, caller) => {
      const { name, force = false, ifRevision } = parseRemove(params, 'role.remove')
      await roles.remove(name, force, { ifRevision, allowed: allowed(caller, 'delete') })
    },
    ...groupOperations(deps),
  }
}

function groupOperations({ groups, authority, oversight }: RoleOperationsDeps): Operations {
  const { demand, may } = authority
  const sees = (caller: Caller, group: AppGroup) => may(caller, usersNeed('read'), isOwn(group, caller))
  /** Roles for the group begin or end to hold at its apps. */
  const allowed =
    (caller: Caller, act: 'update' | 'delete', after: readonly string[] = []) =>
    ({ before, touched }: { before: AppGroup; touched: readonly User[] }): void => {
      demand(caller, usersNeed(act), isOwn(before, caller))
      authority.demandApps(caller, usersNeed(act), [...before.apps, ...after])
      for (const user of touched) oversight.demandReach(caller, act, user)
    }
  return {
    'appGroup.list': async (params, caller) => {
      parseNothing(params ?? {}, 'appGroup.list')
      oversight.demandSome(caller)
      return groups.list().filter((group) => sees(caller, group))
    },
    'appGroup.show': async (params, caller) => {
      const group = groups.get(parseName(params, 'appGroup.show').name)
      demand(caller, usersNeed('read'), isOwn(group, caller))
      return group
    },
    'appGroup.add': async (params, caller) => {
      const { name, apps } = parseGroup(params, 'appGroup.add')
      demand(caller, usersNeed('create'))
      authority.demandApps(caller, usersNeed('create'), apps)
      return groups.add({ name, apps, owner: caller.user ?? null })
    },
    'appGroup.set': async (params, caller) => {
      const { name, apps, ifRevision } = parseSetGroup(params, 'appGroup.set')
      const checks = { ifRevision, allowed: allowed(caller, 'update', apps) }
      const group = await groups.change(name, apps, checks)
      return sees(caller, group) ? group : undefined
    },
    'appGroup.remove': async (params, caller) => {
      const { name, force = false, ifRevision } = parseRemove(params, 'appGroup.remove')
      await groups.remove(name, force, { ifRevision, allowed: allowed(caller, 'delete') })
    },
  }
}
