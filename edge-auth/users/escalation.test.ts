import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { password, startEdgeAuth } from '../../test/edge-auth.ts'
import { type Permissions, sum, within } from '../permissions/index.ts'

/* Whatever a delegated administrator does, in whatever order: nobody has more in the end than he had. */

interface Listed {
  name: string
  revision: number
  roles: string[]
  scopedRoles: Record<string, string[]>
  apps: string[] | null
}
interface ListedRole {
  name: string
  predefined: boolean
  permissions: Permissions
  revision: number
}

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('root', 'Admin')
  await edge.run('appGroup.add', { name: 'hall', apps: ['press'] })
})
afterAll(() => edge[Symbol.asyncDispose]())

const standing: [string, string[]][] = [
  ['uma', ['UserManager']],
  ['cleo', ['Clerk']],
  ['wim', ['Warden']],
  ['ann', ['Viewer', 'Loud']],
]
const custom: [string, Permissions][] = [
  ['Clerk', { Users: ['CREATE'], OwnUser: ['READ', 'UPDATE'] }],
  ['Warden', { Users: ['READ', 'UPDATE'], Alarms: ['READ'] }],
  ['Loud', { Alarms: ['READ', 'UPDATE'] }],
]
/** What the sequence before has left stays, but for the roles of those who act. */
async function everybodyThere(): Promise<void> {
  const { users, roles } = await state()
  for (const [name, permissions] of custom)
    await edge.run(roles.some((one) => one.name === name) ? 'role.set' : 'role.add', { name, permissions })
  for (const [name, held] of standing)
    if (users.some((one) => one.name === name))
      await edge.run('user.set', { name, roles: held, scopedRoles: {}, enabled: true, owner: null })
    else await edge.addUser(name, ...held)
  for (const { name } of users) if (/^(?:service|new)-/.test(name)) await edge.run('user.remove', { name })
}

const state = async () => {
  const users = (await edge.run('user.list')) as Listed[]
  const roles = (await edge.run('role.list')) as ListedRole[]
  const permissionsOf = (names: readonly string[]) =>
    sum(names.map((name) => roles.find((role) => role.name === name)?.permissions ?? {}))
  const reach = new Map(
    users.map((user) => [
      user.name,
      permissionsOf([...user.roles, ...Object.values(user.scopedRoles).flat()]),
    ]),
  )
  return { users, roles, reach }
}

const people = fc.constantFrom('root', 'uma', 'cleo', 'wim', 'ann', 'new-1', 'new-2')
const role = fc.constantFrom('Admin', 'UserManager', 'Viewer', 'Clerk', 'Warden', 'Loud', 'Made')
const roles = fc.subarray(['Admin', 'UserManager', 'Viewer', 'Clerk', 'Loud', 'Made'], {
  minLength: 1,
  maxLength: 2,
})
const permissions = fc.constantFrom<Permissions>(
  {},
  { Users: ['CREATE'] },
  { Users: ['ADMIN'] },
  { Alarms: ['READ', 'UPDATE'] },
  { Options: ['ADMIN'], Users: ['READ'] },
)
const scopedRoles = roles.map((hall) => ({ hall }))
const operation = fc.oneof(
  fc.record({ name: people, roles }).map((params) => ['user.add', { ...params, password }] as const),
  fc.record({ name: people, roles }).map((params) => ['user.set', params] as const),
  fc.record({ name: people, scopedRoles }).map((params) => ['user.set', params] as const),
  fc.record({ name: people, copyRolesFrom: people }).map((params) => ['user.set', params] as const),
  fc.record({ name: people, owner: people }).map((params) => ['user.set', params] as const),
  fc.record({ name: people, enabled: fc.boolean() }).map((params) => ['user.set', params] as const),
  people.map((name) => ['user.resetCode', { name }] as const),
  people.map((name) => ['user.remove', { name }] as const),
  people.map((name) => ['user.passwd', { name, password }] as const),
  fc.record({ name: role, permissions }).map((params) => ['role.add', params] as const),
  fc.record({ name: role, permissions }).map((params) => ['role.set', params] as const),
  fc.record({ name: role, force: fc.boolean() }).map((params) => ['role.remove', params] as const),
  fc.record({ role }).map((params) => ['serviceAccess.open', { ...params, hours: 1 }] as const),
  fc.subarray(['press', 'oven']).map((apps) => ['appGroup.set', { name: 'hall', apps }] as const),
)

test.each(['uma', 'cleo', 'wim'])('%s gives nobody what is not his to give', async (actor) => {
  let done = 0
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 8, maxLength: 12 }), async (steps) => {
      await everybodyThere()
      const before = await state()
      const ceiling = before.reach.get(actor) as Permissions
      for (const [name, params] of steps)
        await edge.run(name, params, { user: actor }).then(
          () => done++,
          (error) => expect(error.code).toMatch(expected),
        )
      const after = await state()
      for (const user of after.users) {
        const had = before.reach.get(user.name) ?? {}
        expect([user.name, within(after.reach.get(user.name) as Permissions, sum([had, ceiling]))]).toEqual([
          user.name,
          true,
        ])
      }
      for (const user of before.users.filter(({ name }) => !within(before.reach.get(name) ?? {}, ceiling)))
        expect(after.users).toContainEqual({ ...user, owner: null })
      for (const one of before.roles.filter((each) => !within(each.permissions, ceiling)))
        expect(after.roles).toContainEqual(one)
    }),
    { numRuns: 12, endOnFailure: true },
  )
  if (actor === 'uma') expect(done).toBeGreaterThan(0)
})

const expected =
  /^(forbidden|above_own|not_found|conflict|invalid|in_use|predefined_role|last_admin|name_taken|too_many)$/
