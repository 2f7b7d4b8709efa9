import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('root', 'Admin')
})
afterAll(() => edge[Symbol.asyncDispose]())

describe('the very next introspection sees', () => {
  test.each([
    ['changed roles', 'user.set', { roles: ['Viewer'] }],
    ['a new password', 'user.passwd', {}],
    ['a disabled user', 'user.disable', {}],
    ['a removed user', 'user.remove', {}],
  ])('%s', async (_name, operation, params) => {
    await edge.addUser('ann', 'Operator')
    const [first, second, other] = [
      await edge.signIn('ann'),
      await edge.signIn('ann'),
      await edge.signIn('root'),
    ]
    await edge.run(operation, { name: 'ann', ...params })
    expect(await edge.introspect(first)).toEqual({ active: false })
    expect(await edge.introspect(second)).toEqual({ active: false })
    expect(await edge.introspect(other)).toMatchObject({ active: true })
    await edge.run('user.remove', { name: 'ann' }).catch(() => {})
  })

  test('a session that an administrator ended', async () => {
    await edge.addUser('ann', 'Operator')
    const [one, two] = [await edge.signIn('ann'), await edge.signIn('ann')]
    const listed = (await edge.run('session.list', { user: 'ann' })) as { id: string }[]
    expect(listed).toHaveLength(2)
    expect(listed[0]).not.toHaveProperty('jti')
    expect(await edge.run('session.end', { id: listed[0]?.id })).toEqual({ ended: 1 })
    expect(await edge.introspect(one)).toEqual({ active: false })
    expect(await edge.introspect(two)).toMatchObject({ active: true })
    await expect(edge.run('session.end', { id: listed[0]?.id })).rejects.toMatchObject({ code: 'not_found' })
    expect(await edge.run('session.end', { user: 'ann' })).toEqual({ ended: 1 })
    await edge.signIn('ann')
    const { ended } = (await edge.run('session.end', { all: true })) as { ended: number }
    expect(ended).toBeGreaterThan(0)
    expect(await edge.run('session.list')).toEqual([])
    await edge.run('user.remove', { name: 'ann' })
  })
})

test('asking for the roles that a user has changes nothing', async () => {
  await edge.addUser('ann', 'Operator', 'Viewer')
  const token = await edge.signIn('ann')
  await edge.run('user.set', { name: 'ann', roles: ['Viewer', 'Operator'] })
  expect(await edge.introspect(token)).toMatchObject({ active: true })
  await edge.run('user.remove', { name: 'ann' })
})

test('the last enabled Admin stays, whichever way one tries, also by two at once', async () => {
  const last = { code: 'last_admin' }
  await expect(edge.run('user.remove', { name: 'root' })).rejects.toMatchObject(last)
  await expect(edge.run('user.disable', { name: 'root' })).rejects.toMatchObject(last)
  await expect(edge.run('user.set', { name: 'root', roles: ['Viewer'] })).rejects.toMatchObject(last)

  await edge.addUser('deputy', 'Admin')
  await edge.run('user.disable', { name: 'deputy' })
  await expect(edge.run('user.remove', { name: 'root' })).rejects.toMatchObject(last)
  await edge.run('user.enable', { name: 'deputy' })
  const results = await Promise.allSettled([
    edge.run('user.disable', { name: 'root' }),
    edge.run('user.set', { name: 'deputy', roles: ['Viewer'] }),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  await edge.run('user.enable', { name: 'root' })
  await edge.run('user.remove', { name: 'deputy' })
})

test('a password that was not given is made, works, and is told once', async () => {
  const added = (await edge.run('user.add', { name: 'ann', roles: ['Viewer'] })) as { password: string }
  expect(await edge.introspect(await edge.signIn('ann', added.password))).toMatchObject({ sub: 'ann' })
  const given = await edge.run('user.passwd', { name: 'ann', password })
  expect(given).toEqual({ name: 'ann' })
  expect(await edge.introspect(await edge.signIn('ann'))).toMatchObject({ sub: 'ann' })
  expect(JSON.stringify(await edge.run('user.list'))).not.toMatch(/argon2|password/i)
  await edge.run('user.remove', { name: 'ann' })
})

test.each([
  ['user.add', { name: 'no blanks', roles: ['Viewer'] }, 'invalid'],
  ['user.add', { name: 'ann', roles: ['viewer'] }, 'invalid'],
  ['user.add', { name: 'ann', roles: [] }, 'invalid'],
  ['user.add', { name: 'ann', roles: ['Viewer'], password: 'short' }, 'invalid'],
  ['user.add', { name: 'root', roles: ['Viewer'] }, 'conflict'],
  ['user.set', { name: 'nobody', roles: ['Viewer'] }, 'not_found'],
  ['user.passwd', { name: 'nobody' }, 'not_found'],
  ['user.disable', { name: 'nobody' }, 'not_found'],
  ['user.remove', { name: 'nobody' }, 'not_found'],
  ['session.end', { user: 'nobody' }, 'not_found'],
  ['session.end', {}, 'invalid'],
])('%s %j is refused: %s', async (operation, params, code) => {
  await expect(edge.run(operation, params)).rejects.toMatchObject({ code })
})

test('a restart keeps users, sessions, keys, and what was ended', async () => {
  await using box = await startEdgeAuth()
  await box.addUser('ann', 'Admin')
  await box.addUser('bob', 'Viewer')
  const [kept, ended] = [await box.signIn('ann'), await box.signIn('bob')]
  const before = await box.introspect(kept)
  await box.run('user.set', { name: 'bob', roles: ['Operator'] })
  await box.restart()
  expect(await box.introspect(kept)).toEqual(before)
  expect(await box.introspect(ended)).toEqual({ active: false })
  expect(await box.introspect(await box.signIn('bob'))).toMatchObject({ ext: { roles: ['Operator'] } })
  expect((await stat(join(box.dir, 'state', 'auth.db'))).mode & 0o777).toBe(0o600)
})

test('a session that seemed expired while the clock was wrong does not outlive a change of roles', async () => {
  await using box = await startEdgeAuth()
  await box.addUser('ann', 'Admin')
  await box.addUser('bob', 'Operator')
  const token = await box.signIn('bob')
  box.stepClock(7_200_000)
  await box.signIn('ann') // forgets what has expired
  await box.run('user.set', { name: 'bob', roles: ['Viewer'] })
  box.stepClock(-7_200_000)
  await box.restart()
  expect(await box.introspect(token)).toEqual({ active: false })
})

test('a sign-in that is checked while its password changes does not succeed', async () => {
  await using box = await startEdgeAuth()
  await box.addUser('ann', 'Admin')
  const changed = box.run('user.passwd', { name: 'ann', password: 'another password' })
  const token = await box.signIn('ann') // waits for its turn to hash behind the change
  await changed
  expect(await box.introspect(token ?? 'none')).toEqual({ active: false })
})
