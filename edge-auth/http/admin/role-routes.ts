import Type from 'typebox'
import { AppName, AppNames, RoleName } from '../../users/members.ts'
import { PermissionsGiven } from '../../users/role-operations.ts'
import type { AdminRoute } from './route-table.ts'
import { Permissions } from './user-schemas.ts'

const strict = { additionalProperties: false }
const Owner = Type.Union([Type.String(), Type.Null()])
const Role = Type.Object({
  ...{ name: Type.String(), description: Type.String(), permissions: Permissions },
  ...{ owner: Owner, revision: Type.Integer(), predefined: Type.Boolean() },
})
const Group = Type.Object({
  ...{ name: Type.String(), apps: Type.Array(Type.String()), owner: Owner, revision: Type.Integer() },
})
const Description = Type.Optional(Type.String({ maxLength: 256 }))
const Force = Type.Object({ force: Type.Optional(Type.Enum(['true', 'false'])) }, strict)
const Named = Type.Object({ name: RoleName })
const NamedGroup = Type.Object({ name: AppName })
const users = (act: 'read' | 'create' | 'update' | 'delete') => ({ category: 'Users', act }) as const
const forced: AdminRoute['input'] = ({ params, query }) => ({ ...params, force: query.force === 'true' })
const example = { name: 'example' }

const roles: readonly AdminRoute[] = [
  {
    ...{ id: 'listRoles', method: 'GET', path: '/roles', needs: users('read'), owned: true },
    ...{ answer: Type.Array(Role), operation: 'role.list', summary: 'Roles' },
  },
  {
    ...{ id: 'addRole', method: 'POST', path: '/roles', needs: users('create') },
    body: Type.Object({ name: RoleName, description: Description, permissions: PermissionsGiven }, strict),
    ...{ answer: Role, created: true, answersResult: true, operation: 'role.add' },
    summary: 'Make a role',
    example: { body: { name: 'example', permissions: { Alarms: ['READ'] } } },
  },
  {
    ...{ id: 'getRole', method: 'GET', path: '/roles/:name', needs: users('read'), owned: true },
    ...{ params: Named, answer: Role, revisioned: true, operation: 'role.show', summary: 'A role' },
    example: { params: { name: 'Viewer' } },
  },
  {
    ...{ id: 'changeRole', method: 'PATCH', path: '/roles/:name', needs: users('update'), owned: true },
    params: Named,
    body: Type.Object({ description: Description, permissions: Type.Optional(PermissionsGiven) }, strict),
    ...{ answer: Role, revisioned: true, operation: 'role.set' },
    summary: 'Change a role; other permissions end the sessions of who has it',
    example: { params: example, body: { description: 'An example' } },
  },
  {
    ...{ id: 'removeRole', method: 'DELETE', path: '/roles/:name', needs: users('delete'), owned: true },
    ...{ params: Named, query: Force, input: forced, revisioned: true, operation: 'role.remove' },
    summary: 'Remove a role; by force also from who has it',
    example: { params: example },
  },
]

const groups: readonly AdminRoute[] = [
  {
    ...{ id: 'listAppGroups', method: 'GET', path: '/app-groups', needs: users('read'), owned: true },
    ...{ answer: Type.Array(Group), operation: 'appGroup.list', summary: 'Groups of apps' },
  },
  {
    ...{ id: 'addAppGroup', method: 'POST', path: '/app-groups', needs: users('create') },
    body: Type.Object({ name: AppName, apps: AppNames }, strict),
    ...{ answer: Group, created: true, answersResult: true, operation: 'appGroup.add' },
    summary: 'Make a group of apps, for which users can have further roles',
    example: { body: { name: 'example', apps: ['press'] } },
  },
  {
    ...{ id: 'getAppGroup', method: 'GET', path: '/app-groups/:name', needs: users('read'), owned: true },
    ...{ params: NamedGroup, answer: Group, revisioned: true, operation: 'appGroup.show' },
    ...{ summary: 'A group of apps', example: { params: example } },
  },
  {
    ...{ id: 'changeAppGroup', method: 'PATCH', path: '/app-groups/:name', needs: users('update') },
    ...{ owned: true, params: NamedGroup, body: Type.Object({ apps: AppNames }, strict), answer: Group },
    ...{ revisioned: true, operation: 'appGroup.set' },
    summary: 'Say which apps are in a group; ends the sessions of who has roles for it',
    example: { params: example, body: { apps: ['press'] } },
  },
  {
    ...{ id: 'removeAppGroup', method: 'DELETE', path: '/app-groups/:name', needs: users('delete') },
    ...{ owned: true, params: NamedGroup, query: Force, input: forced, revisioned: true },
    ...{
      operation: 'appGroup.remove',
      summary: 'Remove a group; by force also the roles that users have for it',
    },
    example: { params: example },
  },
]

export const roleRoutes: readonly AdminRoute[] = [...roles, ...groups]
