import { afterEach, expect, test } from 'vitest'
import { password, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
afterEach(() => edge[Symbol.asyncDispose]())

interface Page {
  entries: ({ id: number; type: string } & Record<string, unknown>)[]
  next?: number
}
const list = (query: object = {}) => edge.run('audit.list', query) as Promise<Page>

test('what happened stands in the audit, newest first, and survives a restart', async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
  await edge.addUser('bob', 'Viewer')
  await edge.signIn('bob', 'wrong password')
  await edge.signIn('bob')
  await edge.run('user.set', { name: 'bob', roles: ['Operator'] })
  await edge.restart()
  const { entries } = await list({ user: 'bob' })
  expect(entries).toMatchObject(
    [
      { type: 'session_ended', reason: 'roles_changed', session: expect.any(String), address: '127.0.0.1' },
      { type: 'user_changed', reason: 'roles_changed', detail: { before: ['Viewer'], after: ['Operator'] } },
      { type: 'token_issued' },
      { type: 'login', detail: { method: 'direct' }, deviceTime: expect.any(Number) },
      { type: 'login_failed', reason: 'wrong_password' },
      { type: 'user_added', detail: { roles: ['Viewer'] } },
    ].sort((a, b) => order(entries, a.type) - order(entries, b.type)),
  )
  expect(JSON.stringify(entries)).not.toContain(password)
  expect(entries.map(({ id }) => id)).toEqual(entries.map(({ id }) => id).sort((a, b) => b - a))
})

/** A failed sign-in is written a moment later than it happened. */
const order = (entries: Page['entries'], type: string) => entries.findIndex((entry) => entry.type === type)

test('it is read by pages of a hundred, by type and by time', async () => {
  edge = await startEdgeAuth()
  for (let n = 0; n < 101; n++) await edge.run('app.add', { name: `app${n}`, version: '1' })
  const first = await list({ type: 'app_secret_issued' })
  expect(first.entries).toHaveLength(100)
  const second = await list({ type: 'app_secret_issued', before: first.next })
  expect(second.entries).toMatchObject([{ clientId: 'app0' }])
  expect(second.next).toBeUndefined()
  const { deviceTime } = first.entries[0] as unknown as { deviceTime: number }
  expect((await list({ since: deviceTime + 1 })).entries).toEqual([])
  expect((await list({ until: deviceTime + 1 })).entries.length).toBeGreaterThan(0)
  await expect(list({ since: 'yesterday' })).rejects.toMatchObject({ code: 'invalid' })
})

test('more events than can be kept are counted', async () => {
  edge = await startEdgeAuth()
  const refused = () =>
    edge.ask('/device/edge/auth/oauth2/introspect', {
      method: 'POST',
      headers: { authorization: 'Basic eDp5' },
      body: new URLSearchParams({ token: 'x' }),
    })
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 50 }, refused))
  const { entries } = await list({ type: 'entries_dropped' })
  const dropped = entries.reduce((sum, { detail }) => sum + (detail as { count: number }).count, 0)
  let kept = 0
  for (let page = await list({ type: 'client_refused' }); ; ) {
    kept += page.entries.length
    if (page.next === undefined) break
    page = await list({ type: 'client_refused', before: page.next })
  }
  expect(kept + dropped).toBe(1000)
})

test('strangers cannot push out of the audit what stands there: of one kind there are few, and a count', async () => {
  edge = await startEdgeAuth()
  const refused = () =>
    edge.ask('/device/edge/auth/oauth2/introspect', {
      method: 'POST',
      headers: { authorization: 'Basic eDp5' },
      body: new URLSearchParams({ token: 'x' }),
    })
  const count = async (type: string) => {
    let found = 0
    for (let page = await list({ type }); ; page = await list({ type, before: page.next })) {
      found += page.entries.length
      if (page.next === undefined) return found
    }
  }
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 60 }, refused))
    await edge.auth.operations['audit.list']?.({}, {}) // as if time had passed: all is written
  }
  const first = await count('client_refused')
  expect([first >= 256, first < 500]).toEqual([true, true])
  await edge.ask('/device/edge/api/v1/login/direct', {
    method: 'POST',
    body: { username: 'nobody', password: 'x' },
  })
  expect(await count('login_failed')).toBe(1) // the others are not lost with them
  edge.passTime(100_000)
  await Promise.all(Array.from({ length: 200 }, refused))
  const second = (await count('client_refused')) - first
  expect([second >= 100, second < 200]).toEqual([true, true])
})

test('a change whose entry cannot be written does not happen', async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
  await edge.inDatabase((db) =>
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END`),
  )
  await expect(edge.run('user.disable', { name: 'ann' })).rejects.toThrow()
  await expect(edge.addUser('bob', 'Viewer')).rejects.toThrow()
  await edge.inDatabase((db) => db.exec('DROP TRIGGER full'))
  expect(await edge.run('user.list')).toMatchObject([{ name: 'ann', enabled: true }])
})

test('who has changed it while the box was stopped is found out', async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
  await edge.addUser('bob', 'Viewer')
  expect(await edge.run('audit.add', { text: 'inspected' }, { user: 'ann' })).toMatchObject({
    ...{ type: 'custom', actor: 'ann', category: 'Custom' },
  })
  await expect(edge.run('audit.add', { text: 'x' }, { user: 'bob' })).rejects.toMatchObject({
    code: 'forbidden',
  })
  expect(await list({ category: 'User' })).toMatchObject({
    entries: [{ user: 'bob', category: 'User', action: 'User created' }, { user: 'ann' }],
  })
  await edge.restart()
  expect(await edge.run('audit.verify')).toMatchObject({ isGood: true })
  const { entries } = await list({ type: 'custom' })
  const id = entries[0]?.id
  await edge.inDatabase((db) => db.prepare('DELETE FROM audit WHERE id = ?').run(id))
  expect(await edge.run('audit.verify')).toMatchObject({ isGood: false, fault: { kind: 'missing', id } })
})
