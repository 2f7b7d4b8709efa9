import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('root', 'Admin')
  await edge.addUser('uma', 'UserManager')
  await edge.addUser('ann', 'Operator')
})
afterAll(() => edge[Symbol.asyncDispose]())

const show = (name: string) => edge.run('user.show', { name })
const as = (user: string) => ({ user, address: '127.0.0.1' })

interface Opened {
  name: string
  password: string
  validUntil: number
}
const open = (params: object = {}) =>
  edge.run('serviceAccess.open', { role: 'Operator', hours: 2, ...params }) as Promise<Opened>

test('is somebody for its time, by whatever clock, and nobody afterwards', async () => {
  const { name, password: made } = await open()
  expect(name).toMatch(/^service-[0-9a-f]{12}$/)
  const token = await edge.signIn(name, made)
  edge.stepClock(-86_400_000)
  expect(await edge.introspect(token)).toMatchObject({ active: true, ext: { roles: ['Operator'] } })
  edge.passTime(2 * 3_600_000)
  expect(await edge.introspect(token)).toEqual({ active: false })
  expect(await edge.signIn(name, made)).toBeUndefined()
  edge.stepClock(86_400_000)
  await edge.restart() // looks at once
  await expect.poll(() => edge.run('serviceAccess.list')).toEqual([])
  await expect(show(name)).rejects.toMatchObject({ code: 'not_found' })
  const { entries } = (await edge.run('audit.list', { type: 'service_access' })) as { entries: object[] }
  expect(entries.slice(0, 2)).toMatchObject([
    { user: name, reason: 'ended' },
    { user: name, reason: 'opened', detail: { role: 'Operator' } },
  ])
})

test('ends when it is closed, lasts a day at most, and gives nothing that who opens it has not', async () => {
  const { name, password: made } = await open()
  const token = await edge.signIn(name, made)
  await edge.run('serviceAccess.close', { name })
  expect(await edge.introspect(token)).toEqual({ active: false })
  await expect(open({ hours: 25 })).rejects.toMatchObject({ code: 'invalid' })
  await expect(edge.run('serviceAccess.close', { name: 'ann' })).rejects.toMatchObject({
    code: 'not_found',
  })
  const above = edge.run('serviceAccess.open', { role: 'Admin', hours: 1 }, as('uma'))
  await expect(above).rejects.toMatchObject({ code: 'above_own' })
})

test('an Admin for a day is not the last Admin', async () => {
  const { name } = await open({ role: 'Admin' })
  await expect(edge.run('user.disable', { name: 'root' })).rejects.toMatchObject({ code: 'last_admin' })
  await edge.run('serviceAccess.close', { name })
})

test('is not given with a role that goes meanwhile, and nobody gets one by its name alone', async () => {
  await edge.run('role.add', { name: 'Fleeting', permissions: {} })
  const [opened] = await Promise.allSettled([
    open({ role: 'Fleeting' }),
    edge.run('role.remove', { name: 'Fleeting' }),
  ])
  expect(opened).toMatchObject({ status: 'rejected', reason: { code: 'invalid' } })
})
