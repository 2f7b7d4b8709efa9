import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, password, sessionPolicy, startEdgeAuth } from '../../test/edge-auth.ts'

const minute = 60_000

type Edge = Awaited<ReturnType<typeof startEdgeAuth>>
const held = new AsyncDisposableStack()
const startWith = async (policy: Partial<typeof sessionPolicy>): Promise<Edge> =>
  held.use(await startEdgeAuth({ sessions: { ...sessionPolicy, ...policy } }))

let usual: Edge
/** Few sessions of a user, of one browser each, that end soon. */
let strict: Edge
beforeAll(async () => {
  usual = await startWith({})
  strict = await startWith({ absoluteMs: 90 * minute, maxPerUser: 2, checkUserAgent: true })
})
afterAll(() => held.disposeAsync())

/** The box that a test is about, with `ann` as new as it. */
let edge: Edge
async function on(box: Edge): Promise<void> {
  edge = box
  await edge.addUser('root', 'Admin').catch(() => {})
  for (const name of ['ann', 'bob']) {
    await edge.run('user.remove', { name }).catch(() => {})
    await edge.addUser(name, 'Viewer')
  }
}

const isActive = async (token: string) => ((await edge.introspect(token)) as { active: boolean }).active
const visit = (token: string, headers: Ask['headers'] = {}) =>
  edge.ask('/device/edge/auth/login', { headers: { cookie: `access_token=${token}`, ...headers } })
const renewed = async (token: string) => (await visit(token)).cookie('access_token')?.split('=')[1]
const jtiOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti
const audit = async (query: object) =>
  ((await edge.run('audit.list', query)) as { entries: Record<string, unknown>[] }).entries

describe('a session that is used', () => {
  test('gets a new token once the old one is older than the renewal, and lives on', async () => {
    await on(usual)
    const first = await edge.signIn('ann')
    edge.passTime(29 * minute)
    expect(await renewed(first)).toBeUndefined()
    edge.passTime(minute)
    const second = (await renewed(first)) as string
    expect(jtiOf(second)).not.toBe(jtiOf(first))
    expect(await edge.run('session.list', { user: 'ann' })).toHaveLength(1)
    edge.passTime(45 * minute)
    expect(await isActive(second)).toBe(true)
    expect(await isActive(first)).toBe(false)
  })

  test('keeps the old token for a minute, and tells its owner the new one again', async () => {
    await on(usual)
    const first = await edge.signIn('ann')
    edge.passTime(30 * minute)
    const tabs = await Promise.all([renewed(first), renewed(first), renewed(first)])
    expect(new Set(tabs).size).toBe(1)
    edge.passTime(minute - 10_000)
    expect(await isActive(first)).toBe(true)
    expect(await renewed(first)).toBe(tabs[0])
    edge.passTime(10_000)
    expect(await isActive(first)).toBe(false)
    expect(await isActive(tabs[0] as string)).toBe(true)
  })

  test('ends at its absolute end, however often it was renewed', async () => {
    await on(strict)
    let token = await edge.signIn('ann')
    for (let half = 0; half < 2; half++) {
      edge.passTime(30 * minute)
      token = (await renewed(token)) ?? token
      expect(await isActive(token)).toBe(true)
    }
    edge.passTime(30 * minute)
    expect(await isActive(token)).toBe(false)
  })

  test('is renewed on disk too, and so is the end of the old token', async () => {
    await on(usual)
    const first = await edge.signIn('ann')
    edge.passTime(30 * minute)
    const second = (await renewed(first)) as string
    await edge.restart()
    expect(await isActive(second)).toBe(true)
    edge.passTime(minute)
    expect(await isActive(first)).toBe(false)
    expect(await isActive(second)).toBe(true)
    await edge.run('session.end', { user: 'ann' })
    expect(await isActive(second)).toBe(false)
  })
})

test('a renewal that cannot be written keeps nobody out: the old token does', async () => {
  await on(usual)
  const token = await edge.signIn('ann')
  edge.passTime(30 * minute)
  await edge.inDatabase((db) =>
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON session_token BEGIN SELECT RAISE(ABORT, 'full'); END`),
  )
  const page = await visit(token)
  await edge.inDatabase((db) => db.exec('DROP TRIGGER full'))
  expect(page.text).toContain('Signed in as')
  expect(page.cookie('access_token')).toBeUndefined()
  expect(await isActive(token)).toBe(true)
  expect(await renewed(token)).toBeDefined()
})

test('a session that is not used ends with its token, and is not listed or counted any more', async () => {
  await on(usual)
  const token = await edge.signIn('ann')
  edge.passTime(60 * minute)
  expect(await isActive(token)).toBe(false)
  expect(await edge.run('session.list', { user: 'ann' })).toEqual([])
  expect((await visit(token)).text).toContain('name="password"')
})

test('an expired session leaves the disk, and the audit says that it has ended', async () => {
  await on(usual)
  await edge.signIn('ann')
  edge.passTime(60 * minute)
  await edge.restart()
  await edge.run('session.end', { user: 'bob' }) // after what is done at the start
  expect(await audit({ user: 'ann', type: 'session_ended', limit: 1 })).toMatchObject([{ reason: 'expired' }])
  const left = await edge.inDatabase((db) =>
    db.prepare(`SELECT count(*) AS count FROM session WHERE user = 'ann'`).get(),
  )
  expect(left).toEqual({ count: 0 })
})

test('without renewal a session lives as long as its token', async () => {
  await on(await startWith({ renewalMs: undefined }))
  const token = await edge.signIn('ann')
  edge.passTime(59 * minute)
  expect(await renewed(token)).toBeUndefined()
  expect(await isActive(token)).toBe(true)
})

test('of too many sessions the oldest ends, for good', async () => {
  await on(strict)
  const bobs = await edge.signIn('bob')
  const tokens = [await edge.signIn('ann'), await edge.signIn('ann'), await edge.signIn('ann')]
  await edge.restart()
  expect(await Promise.all(tokens.map(isActive))).toEqual([false, true, true])
  expect(await isActive(bobs)).toBe(true)
  expect((await audit({ type: 'session_ended' }))[0]).toMatchObject({
    ...{ user: 'ann', reason: 'too_many_sessions' },
  })
})

describe('signing out', () => {
  const logout = (token: string, query = '', headers = {}) =>
    edge.ask(`/device/edge/auth/logout${query}`, {
      method: 'POST',
      headers: { cookie: `access_token=${token}`, ...headers },
    })

  test('everywhere ends all sessions of that user and nobody else', async () => {
    await on(usual)
    const [one, two, bobs] = [await edge.signIn('ann'), await edge.signIn('ann'), await edge.signIn('bob')]
    expect((await logout(one, '?everywhere=1', { origin: 'https://e.example' })).status).toBe(403)
    expect(await isActive(two)).toBe(true)
    expect((await logout(one, '?everywhere=1')).status).toBe(204)
    await edge.restart()
    expect(await Promise.all([one, two, bobs].map(isActive))).toEqual([false, false, true])
    expect(await audit({ type: 'session_ended', user: 'ann', limit: 2 })).toMatchObject([
      { reason: 'signed_out_everywhere', address: '127.0.0.1' },
      { reason: 'signed_out_everywhere' },
    ])
    expect(await isActive(await edge.signIn('ann'))).toBe(true)
  })

  test('of all users is one step, on disk before it answers', async () => {
    await on(usual)
    const tokens = [await edge.signIn('ann'), await edge.signIn('bob')]
    const open = (await edge.run('session.list')) as object[]
    expect(await edge.run('session.end', { all: true })).toEqual({ ended: open.length })
    expect(await Promise.all(tokens.map(isActive))).toEqual([false, false])
    const later = await edge.signIn('ann')
    await edge.restart()
    expect(await Promise.all(tokens.map(isActive))).toEqual([false, false])
    expect(await isActive(later)).toBe(true)
    expect((await audit({ type: 'session_ended' }))[0]).toMatchObject({ detail: { all: true } })
  })
})

test('a user who was removed and made again has none of the former sessions', async () => {
  await on(usual)
  const token = await edge.signIn('bob')
  await edge.run('user.remove', { name: 'bob' })
  await edge.addUser('bob', 'Viewer')
  expect(await isActive(token)).toBe(false)
  await edge.restart()
  expect(await isActive(token)).toBe(false)
})

test('a session is good for its browser alone where that is asked for, but an app may always ask', async () => {
  await on(strict)
  const body = { username: 'ann', password }
  const headers = { 'user-agent': 'Firefox/140' }
  const signedIn = await edge.ask('/device/edge/api/v1/login/direct', { method: 'POST', headers, body })
  const { access_token: token } = signedIn.json() as { access_token: string }
  expect((await visit(token, headers)).text).toContain('Signed in as')
  expect((await visit(token, { 'user-agent': 'curl/8' })).text).toContain('name="password"')
  expect(await isActive(token)).toBe(true)
  expect(await audit({ type: 'user_agent_changed' })).toMatchObject([
    { user: 'ann', userAgent: 'Firefox/140', detail: { seen: 'curl/8' } },
  ])
})

describe('when the clock of the box is set while sessions live', () => {
  test('none ends early and none comes back', async () => {
    await on(usual)
    const [ended, live] = [await edge.signIn('ann'), await edge.signIn('ann')]
    const listed = (await edge.run('session.list', { user: 'ann' })) as { id: string }[]
    await edge.run('session.end', { id: listed[0]?.id })
    for (const step of [-400 * 86_400_000, 900 * 86_400_000]) {
      edge.stepClock(step)
      expect(await isActive(live)).toBe(true)
      expect(await isActive(ended)).toBe(false)
      await edge.restart()
      expect(await isActive(live)).toBe(true)
      expect(await isActive(ended)).toBe(false)
    }
    edge.passTime(60 * minute)
    edge.stepClock(-86_400_000)
    expect(await isActive(live)).toBe(false)
    await edge.restart()
    expect(await isActive(live)).toBe(false)
  })
})
