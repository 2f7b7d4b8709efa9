import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { User } from '../store/index.ts'
import type { Passwords } from './passwords.ts'
import { refuseUnknownRoles } from './roles.ts'
import type { Throttle } from './throttle.ts'
import { namePattern, type Users } from './users.ts'

const Name = Type.String({ pattern: namePattern })
const Roles = Type.Array(Type.String(), { minItems: 1, uniqueItems: true })
const Password = Type.Optional(Type.String())
const MustChange = Type.Optional(Type.Boolean())
const strict = { additionalProperties: false }

const parseAdd = parser(
  Type.Object({ name: Name, roles: Roles, password: Password, mustChange: MustChange }, strict),
)
const parseSet = parser(Type.Object({ name: Name, roles: Roles }, strict))
const parsePassword = parser(Type.Object({ name: Name, password: Password, mustChange: MustChange }, strict))
const parseName = parser(Type.Object({ name: Name }, strict))
const parseNothing = parser(Type.Object({}, strict))

export interface UserOperationsDeps {
  users: Users
  passwords: Passwords
  throttle: Throttle
}

/** A password that was not given is generated, and is in the answer once. */
export function userOperations({ users, passwords, throttle }: UserOperationsDeps): Operations {
  const shown = (user: User) => {
    const { name, roles, enabled, createdAt, updatedAt } = user
    return { name, roles, enabled, mustChange: users.passwordExpired(user), createdAt, updatedAt }
  }
  return {
    'user.add': async (params) => {
      const { name, roles, password, mustChange = false } = parseAdd(params, 'user.add')
      refuseUnknownRoles(roles)
      const chosen = password ?? passwords.generate()
      await users.add({ name, roles, passwordHash: await passwords.hash(chosen), mustChange })
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
      const { name, password, mustChange = false } = parsePassword(params, 'user.passwd')
      users.get(name)
      const chosen = password ?? passwords.generate()
      await users.setPassword(name, { passwordHash: await passwords.hash(chosen), mustChange })
      return { name, ...(password === undefined ? { password: chosen } : {}) }
    },
    'user.disable': async (params) => {
      await users.setEnabled(parseName(params, 'user.disable').name, false)
    },
    'user.enable': async (params) => {
      await users.setEnabled(parseName(params, 'user.enable').name, true)
    },
    'user.unlock': async (params) => {
      await throttle.unlock(users.get(parseName(params, 'user.unlock').name).name)
    },
    'user.remove': async (params) => {
      await users.remove(parseName(params, 'user.remove').name)
    },
  }
}
