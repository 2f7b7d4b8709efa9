import { afterAll, beforeAll, expect, test } from 'vitest'
import { password, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('root', 'Admin')
  await edge.addUser('uma', 'UserManager')
  await edge.addUser('ann', 'Operator')
  await edge.addUser('cop', 'Viewer')
})
afterAll(() => edge[Symbol.asyncDispose]())

const as = (user: string) => ({ user, address: '127.0.0.1' })

test('shows and takes a profile, and nothing else', async () => {
  const own = (await edge.run('own.set', { profile: { email: 'a@b.example' } }, as('ann'))) as object
  expect(own).toMatchObject({ name: 'ann', profile: { email: 'a@b.example' } })
  expect(own).toMatchObject({ permissions: { Alarms: ['READ', 'UPDATE'] } })
  for (const more of [{ roles: ['Admin'] }, { alias: 'root2' }, { name: 'uma' }])
    await expect(edge.run('own.set', { profile: {}, ...more }, as('ann'))).rejects.toMatchObject({
      code: 'invalid',
    })
  await expect(edge.run('own.show')).rejects.toMatchObject({ code: 'invalid' })
})

test('a new password needs the old one, which is guessed at no faster than at a sign-in', async () => {
  await edge.addUser('pat', 'Viewer')
  const token = await edge.signIn('pat')
  const choose = (oldPassword: string) =>
    edge.run('own.password', { oldPassword, newPassword: 'a newer password' }, as('pat'))
  for (let guess = 0; guess < 4; guess++)
    await expect(choose('wrong password')).rejects.toMatchObject({ code: 'wrong_password' })
  await choose(password)
  expect(await edge.introspect(token)).toEqual({ active: false })
  expect(await edge.signIn('pat', 'a newer password')).toBeDefined()
  for (let guess = 0; guess < 5; guess++) await choose('wrong password').catch(() => {})
  await expect(choose('a newer password')).rejects.toMatchObject({ code: 'too_many_attempts' })
})

test('own sessions are seen and ended, those of others are not there', async () => {
  const [mine, other] = [await edge.signIn('cop'), await edge.signIn('ann')]
  const sessions = (await edge.run('own.sessions', {}, as('cop'))) as { id: string }[]
  expect(sessions).toHaveLength(1)
  const [foreign] = (await edge.run('own.sessions', {}, as('ann'))) as { id: string }[]
  await expect(edge.run('own.endSession', { id: foreign?.id }, as('cop'))).rejects.toMatchObject({
    code: 'not_found',
  })
  expect(await edge.run('own.endSession', { id: sessions[0]?.id }, as('cop'))).toEqual({ ended: 1 })
  expect(await edge.introspect(mine)).toEqual({ active: false })
  expect(await edge.run('own.endSession', { all: true }, as('ann'))).toMatchObject({
    ended: expect.any(Number),
  })
  expect(await edge.introspect(other)).toEqual({ active: false })
})

test('what was refused is there for who was refused, and for nobody else', async () => {
  await edge.run('app.add', { name: 'oven', version: '1' })
  await edge.run('app.set', { name: 'oven', path: '/oven/', roles: ['Admin'] })
  const cookie = `access_token=${await edge.signIn('cop')}`
  const asked = { 'x-original-uri': '/oven/door?secret=1', 'x-original-method': 'GET', cookie }
  for (let time = 0; time < 3; time++)
    expect((await edge.ask('/device/edge/auth/verify', { via: 'proxy', headers: asked })).status).toBe(403)
  await expect(edge.run('user.list', {}, as('cop'))).rejects.toMatchObject({ code: 'forbidden' })
  const denied = (await edge.run('own.denied', {}, as('cop'))) as object[]
  const atGate = { reason: 'role', clientId: 'oven', path: '/oven/door', method: 'GET' }
  expect(denied).toMatchObject([
    { reason: 'permission_missing', category: 'Users', act: 'read', at: expect.any(Number) },
    ...[atGate, atGate, atGate],
  ])
  expect(JSON.stringify(denied)).not.toContain('secret')
  expect(await edge.run('own.denied', {}, as('uma'))).toEqual([])
  for (let time = 0; time < 110; time++) await edge.run('user.list', {}, as('cop')).catch(() => {})
  expect(await edge.run('own.denied', {}, as('cop'))).toHaveLength(100)
})
