import Type from 'typebox'
import { members, Name, Password, RoleName } from '../../users/members.ts'
import type { AdminRoute } from './route-table.ts'
import { NewUser, ResetCode, ServiceAccess, User, UserWithPermissions } from './user-schemas.ts'

const strict = { additionalProperties: false }
const Named = Type.Object({ name: Name })
const example = { name: 'example' }
const users = (act: 'read' | 'create' | 'update' | 'delete' | 'admin') =>
  ({ category: 'Users', act }) as const
const Changes = Type.Object(
  {
    ...members,
    owner: Type.Optional(Type.Union([Name, Type.Null()])),
    copyMode: Type.Optional(Type.Enum(['merge', 'replace'])),
  },
  strict,
)
const Given = Type.Object({ password: Type.Optional(Password), mustChange: members.mustChange }, strict)

const one = (verb: string, id: string, operation: string, summary: string): AdminRoute => ({
  ...{ id, operation, summary, method: 'POST', path: `/users/:name/${verb}` },
  ...{ needs: users('update'), owned: true, params: Named, example: { params: example } },
})

export const userRoutes: readonly AdminRoute[] = [
  {
    ...{ id: 'listUsers', method: 'GET', path: '/users', needs: users('read'), owned: true },
    ...{ answer: Type.Array(User), operation: 'user.list', summary: 'Users, or those that one has made' },
  },
  {
    ...{ id: 'addUser', method: 'POST', path: '/users', needs: users('create') },
    body: Type.Object(
      {
        ...{ name: Name, password: Type.Optional(Password), resetCode: Type.Optional(Type.Boolean()) },
        ...members,
      },
      strict,
    ),
    ...{ answer: NewUser, created: true, answersResult: true, operation: 'user.add' },
    summary: 'Add a user; a password that is not given is made, and told once',
    example: { body: { name: 'example', roles: ['Viewer'], password: 'an example password' } },
  },
  {
    ...{ id: 'getUser', method: 'GET', path: '/users/:name', needs: users('read'), owned: true },
    ...{ params: Named, answer: UserWithPermissions, revisioned: true, operation: 'user.show' },
    ...{ summary: 'A user, and what he may do', example: { params: example } },
  },
  {
    ...{ id: 'changeUser', method: 'PATCH', path: '/users/:name', needs: users('update'), owned: true },
    ...{ params: Named, body: Changes, answer: User, revisioned: true, operation: 'user.set' },
    summary: 'Change a user; what is not given stays',
    example: { params: example, body: { profile: { firstName: 'Example' } } },
  },
  {
    ...{ id: 'removeUser', method: 'DELETE', path: '/users/:name', needs: users('delete'), owned: true },
    ...{ params: Named, revisioned: true, operation: 'user.remove', summary: 'Remove a user' },
    example: { params: example },
  },
  {
    ...{ id: 'setPassword', method: 'PUT', path: '/users/:name/password' },
    ...{ needs: users('update'), owned: true, params: Named, body: Given, answersResult: true },
    answer: Type.Object({ name: Type.String(), password: Type.Optional(Type.String()) }),
    ...{ revisioned: true, operation: 'user.passwd' },
    summary: 'Set a password; one that is not given is made, and told once',
    example: { params: example, body: { password: 'an example password' } },
  },
  {
    ...one('reset-code', 'makeResetCode', 'user.resetCode', 'A code that opens the choice of a new password'),
    ...{ answer: Type.Object({ name: Type.String(), ...ResetCode.properties }), answersResult: true },
    created: true,
  },
  one('disable', 'disableUser', 'user.disable', 'Disable a user; his sessions end'),
  one('enable', 'enableUser', 'user.enable', 'Enable a user'),
  one('unlock', 'unlockUser', 'user.unlock', 'Forget the failed sign-ins that keep a user out'),
  {
    ...{ id: 'listServiceAccess', method: 'GET', path: '/service-access', needs: users('read'), owned: true },
    ...{ answer: Type.Array(ServiceAccess), operation: 'serviceAccess.list' },
    summary: 'Who was let in to help, and until when',
  },
  {
    ...{ id: 'openServiceAccess', method: 'POST', path: '/service-access', needs: users('admin') },
    body: Type.Object(
      { role: RoleName, hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 24 })) },
      strict,
    ),
    answer: Type.Object({ ...ServiceAccess.properties, password: Type.String() }),
    ...{ created: true, answersResult: true, operation: 'serviceAccess.open' },
    summary: 'Let somebody in to help, for a day at most; the password is told once',
    example: { body: { role: 'Viewer', hours: 1 } },
  },
  {
    ...{ id: 'closeServiceAccess', method: 'DELETE', path: '/service-access/:name' },
    ...{ needs: users('delete'), owned: true, params: Named, operation: 'serviceAccess.close' },
    ...{ summary: 'End a service access before its time', example: { params: example } },
  },
]
