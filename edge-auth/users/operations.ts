import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { User } from '../store/index.ts'
import type { Passwords } from './passwords.ts'
import { refuseUnknownRoles } from './roles.ts'
import { namePattern, type Users } from './users.ts'

const Name = Type.String({ pattern: namePattern })
const Roles = Type.Array(Type.String(), { minItems: 1, uniqueItems: true })
const Password = Type.Optional(Type.String())
const strict = { additionalProperties: false }

const parseAdd = parser(Type.Object({ name: Name, roles: Roles, password: Password }, strict))
const parseSet = parser(Type.Object({ name: Name, roles: Roles }, strict))
const parsePassword = parser(Type.Object({ name: Name, password: Password }, strict))
const parseName = parser(Type.Object({ name: Name }, strict))
const parseNothing = parser(Type.Object({}, strict))

const shown = ({ name, roles, enabled, createdAt, updatedAt }: User) => ({
  name,
  roles,
  enabled,
  createdAt,
  updatedAt,
})

/** A password that was not given is generated, and is in the answer once. */
export function userOperations(users: Users, passwords: Passwords): Operations {
  return {
    'user.add': async (params) => {
      const { name, roles, password } = parseAdd(params, 'user.add')
      refuseUnknownRoles(roles)
      const chosen = password ?? passwords.generate()
      await users.add({ name, roles, passwordHash: await passwords.hash(chosen) })
      return { name, roles, ...(password === undefined ? { password: chosen } : {}) }
    },
    'user.list': async (params) => {
      parseNothing(params ?? {}, 'user.list')
      return users.list().map(shown)
    },
    'user.set': async (params) => {
      const { name, roles } = parseSet(params, 'user.set')
      refuseUnknownRoles(roles)
      return shown(await users.setRoles(name, roles))
    },
    'user.passwd': async (params) => {
      const { name, password } = parsePassword(params, 'user.passwd')
      users.get(name)
      const chosen = password ?? passwords.generate()
      await users.setPassword(name, await passwords.hash(chosen))
      return { name, ...(password === undefined ? { password: chosen } : {}) }
    },
    'user.disable': async (params) => {
      await users.setEnabled(parseName(params, 'user.disable').name, false)
    },
    'user.enable': async (params) => {
      await users.setEnabled(parseName(params, 'user.enable').name, true)
    },
    'user.remove': async (params) => {
      await users.remove(parseName(params, 'user.remove').name)
    },
  }
}
