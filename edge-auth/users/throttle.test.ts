import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, password, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
afterEach(() => edge[Symbol.asyncDispose]())

async function start(attempts = 3): Promise<void> {
  edge = await startEdgeAuth({ throttle: { attempts, windowMs: 900_000, blockMs: 900_000 } })
  await edge.addUser('ann', 'Admin')
}

const minute = 60_000
/** Signs in through the proxy, which names the address. */
const attempt = (from: string, typed = 'wrong password', username = 'ann'): Promise<Answer> =>
  edge.ask('/device/edge/api/v1/login/direct', {
    via: 'proxy',
    method: 'POST',
    headers: { 'x-forwarded-for': from },
    body: { username, password: typed },
  })
async function attempts(count: number, from: string, typed?: string, username?: string): Promise<number[]> {
  const statuses: number[] = []
  for (let n = 0; n < count; n++) statuses.push((await attempt(from, typed, username)).status)
  return statuses
}
const home = '192.0.2.1'
const elsewhere = '203.0.113.9'

test('after too many failures even the right password must wait, also over a restart', async () => {
  await start()
  expect(await attempts(4, home)).toEqual([401, 401, 401, 429])
  const refused = await attempt(home, password)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(890)
  expect(refused.json()).toMatchObject({ code: 'too_many_attempts' })
  await edge.restart()
  expect((await attempt(home, password)).status).toBe(429)
  edge.passTime(15 * minute)
  expect((await attempt(home, password)).status).toBe(200)
})

test('blocks in a row grow where that is asked for, and a success or a long rest ends the row', async () => {
  const limits = { attempts: 2, windowMs: 15 * minute, blockMs: 15 * minute, longestBlockMs: 50 * minute }
  edge = await startEdgeAuth({ throttle: limits })
  await edge.addUser('ann', 'Admin')
  const blockMinutes = async () => {
    expect(await attempts(2, home)).toEqual([401, 401])
    const minutes = Math.round(Number((await attempt(home)).headers['retry-after']) / 60)
    edge.passTime(minutes * minute)
    return minutes
  }
  expect([await blockMinutes(), await blockMinutes(), await blockMinutes()]).toEqual([15, 30, 50])
  expect((await attempt(home, password)).status).toBe(200)
  expect([await blockMinutes(), await blockMinutes()]).toEqual([15, 30])
  edge.passTime(50 * minute)
  expect(await blockMinutes()).toBe(15)
})

test('failures that are long ago, or before a success, do not count', async () => {
  await start()
  await attempts(2, home)
  edge.passTime(15 * minute)
  expect(await attempts(2, home)).toEqual([401, 401])
  expect((await attempt(home, password)).status).toBe(200)
  expect(await attempts(3, home)).toEqual([401, 401, 401])
})

test('a name that is no user’s is treated alike, and is written down nowhere', async () => {
  await start()
  const unknown = 'my-secret-in-the-wrong-field'
  const [known, strange] = [await attempts(4, home), await attempts(4, elsewhere, 'wrong password', unknown)]
  expect(strange).toEqual(known)
  const [one, other] = [await attempt(home), await attempt(elsewhere, 'wrong password', unknown)]
  expect(one.text).toBe(other.text)
  const { entries } = (await edge.run('audit.list', { type: 'lockout' })) as { entries: object[] }
  expect(entries).toMatchObject([
    { address: elsewhere, detail: { scope: 'user and address' } },
    { user: 'ann', address: home, detail: { scope: 'user and address', forMs: 900_000 } },
  ])
  expect(JSON.stringify(entries) + JSON.stringify(edge.logged)).not.toContain(unknown)
})

describe('who attacks from many places', () => {
  const botnet = Array.from({ length: 12 }, (_, n) => `198.51.100.${n + 1}`)

  test('is stopped, but keeps nobody out from where he has signed in before', async () => {
    await start(2)
    expect((await attempt(home, password)).status).toBe(200)
    const statuses = []
    for (const address of botnet) statuses.push((await attempt(address)).status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(8)
    expect((await attempt(elsewhere, password)).status).toBe(429)
    expect((await attempt(home, password)).status).toBe(200)
    await edge.restart()
    expect((await attempt(elsewhere, password)).status).toBe(429)
    expect((await attempt(home, password)).status).toBe(200)
    await edge.run('user.unlock', { name: 'ann' })
    expect((await attempt(elsewhere, password)).status).toBe(200)
    await edge.restart()
    expect((await attempt(botnet[0] as string, password)).status).toBe(200)
  })

  test('guesses no faster from a known address than from any other', async () => {
    await start(2)
    await attempt(home, password)
    expect(await attempts(3, home)).toEqual([401, 401, 429])
  })
})

test('who tries many names from one address is stopped, and its other people are not', async () => {
  await start(1)
  await edge.addUser('bob', 'Viewer')
  expect((await attempt(home, password, 'bob')).status).toBe(200)
  const statuses = []
  for (let n = 0; n < 12; n++) statuses.push((await attempt(home, 'wrong password', `user${n}`)).status)
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
  expect((await attempt(home, password)).status).toBe(429)
  expect((await attempt(home, password, 'bob')).status).toBe(200)
})

test('attempts at once count as failures until they are known to be none', async () => {
  await start(3)
  const answers = await Promise.all(Array.from({ length: 12 }, () => attempt(home)))
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(3)
})

test('a huge password is refused unhashed and is no failure', async () => {
  await start(1)
  expect(await attempts(3, home, 'x'.repeat(1025))).toEqual([400, 400, 400])
  expect((await attempt(home, password)).status).toBe(200)
})
