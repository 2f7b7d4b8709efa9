import { afterAll, beforeAll, expect, test } from 'vitest'
import { password, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
const start = async (): Promise<void> => {
  edge = await startEdgeAuth({ lockedOptions: ['plant/*', 'oauth.internal/body-token.lifespan.seconds'] })
}
beforeAll(start)
const startAfresh = async (): Promise<void> => {
  await edge[Symbol.asyncDispose]()
  await start()
}
afterAll(() => edge[Symbol.asyncDispose]())

const set = (category: string, key: string, value: string, condition = {}) =>
  edge.run('option.set', { category, key, value, ...condition })
const lifespan = (key: string, value: string) => set('oauth.internal', `${key}.lifespan.seconds`, value)

test('an option is kept over a restart, and gone when it was removed', async () => {
  await set('example', 'a.b-c_1', 'text, with "anything" in it\n')
  await edge.restart()
  const named = { category: 'example', key: 'a.b-c_1' }
  expect(await edge.run('option.get', named)).toMatchObject({
    ...{ value: 'text, with "anything" in it\n', revision: 1, locked: false },
  })
  await edge.run('option.remove', named)
  await edge.restart()
  await expect(edge.run('option.get', named)).rejects.toMatchObject({ code: 'not_found' })
})

test('a change is bound to what was there: a revision, nothing, or anything', async () => {
  await expect(set('example', 'x', '1', { mustExist: true })).rejects.toMatchObject({
    code: 'precondition_failed',
  })
  await set('example', 'x', '1', { ifRevision: 0 })
  await expect(set('example', 'x', '2', { ifRevision: 0 })).rejects.toMatchObject({
    code: 'precondition_failed',
  })
  expect(await set('example', 'x', '2', { ifRevision: 1 })).toMatchObject({ revision: 2 })
  expect(await set('example', 'x', '2')).toMatchObject({ revision: 2 })
  const outdated = edge.run('option.remove', { category: 'example', key: 'x', ifRevision: 1 })
  await expect(outdated).rejects.toMatchObject({ code: 'precondition_failed' })
})

test('of two changes of the same revision one wins', async () => {
  await set('example', 'y', '0')
  const both = await Promise.allSettled(
    ['1', '2'].map((value) => set('example', 'y', value, { ifRevision: 1 })),
  )
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test.each([
  ['oauth.internal', 'basic-token.lifespan.seconds', '299'],
  ['oauth.internal', 'basic-token.lifespan.seconds', '-1'],
  ['oauth.internal', 'basic-token.lifespan.seconds', '1e3'],
  ['oauth.internal', 'basic-token.lifespan.seconds', '999999999999'],
  ['oauth.internal', 'basic-user.cookie.lifespan.seconds', '0'],
  ['access.control', 'allow.origin', 'http://a.example/path'],
  ['access.control', 'allow.origin', 'a.example'],
  ['access.control', 'allow.origin', 'https://*.example'],
  ['application', 'default.app', '../x'],
  ['a/b', 'x', ''],
  ['example', 'x', 'x'.repeat(4_097)],
])('%s/%s is not to be %j', async (category, key, value) => {
  await expect(set(category, key, value)).rejects.toMatchObject({ code: 'invalid' })
})

test('nobody changes what the configuration has locked', async () => {
  await expect(set('plant', 'x', '1')).rejects.toMatchObject({ code: 'locked', statusCode: 403 })
  await expect(lifespan('body-token', '600')).rejects.toMatchObject({ code: 'locked' })
  await lifespan('basic-token', '600')
})

test('values that are no secret are in the audit, others only by their name', async () => {
  await startAfresh()
  await lifespan('basic-token', '600')
  await set('example', 'key', 'perhaps a secret')
  const { entries } = (await edge.run('audit.list', { type: 'option_changed' })) as {
    entries: { reason: string; actor: string; detail: object }[]
  }
  expect(entries.map(({ detail }) => detail)).toEqual([
    { category: 'example', key: 'key' },
    { category: 'oauth.internal', key: 'basic-token.lifespan.seconds', after: '600' },
  ])
  expect(entries[0]).toMatchObject({ reason: 'created', actor: 'machine' })
})

async function signIn(): Promise<{ expiresIn: number; maxAge: string | undefined }> {
  const body = { username: 'ann', password }
  const direct = await edge.ask('/device/edge/api/v1/login/direct', { method: 'POST', body })
  const form = await edge.ask('/device/edge/auth/login')
  const token = /name="form_token" value="([^"]+)"/.exec(form.text)?.[1] as string
  const page = await edge.ask('/device/edge/auth/login', {
    method: 'POST',
    headers: { cookie: form.cookie('edgeward_login') as string },
    body: new URLSearchParams({ ...body, form_token: token }),
  })
  const cookie = (page.headers['set-cookie'] ?? []).find((text) => text.startsWith('access_token='))
  expect(cookie).toBeDefined()
  const { expires_in } = direct.json() as { expires_in: number }
  // A token begins and ends with a second of the clock.
  return { expiresIn: Math.ceil(expires_in / 10) * 10, maxAge: /Max-Age=(\d+)/.exec(cookie ?? '')?.[1] }
}

test('lifespans count from the next token and cookie on, and the default again when they are removed', async () => {
  await startAfresh()
  await edge.addUser('ann', 'Operator')
  expect(await signIn()).toEqual({ expiresIn: 3_600, maxAge: undefined })
  await lifespan('basic-token', '600')
  await lifespan('basic-user.cookie', '900')
  expect(await signIn()).toEqual({ expiresIn: 600, maxAge: '900' })
  await lifespan('basic-user.cookie', '-1')
  expect((await signIn()).maxAge).toBeUndefined()
  await edge.run('option.remove', { category: 'oauth.internal', key: 'basic-token.lifespan.seconds' })
  expect((await signIn()).expiresIn).toBe(3_600)
})

test('the token in a body has a life of its own, and without a policy a session lives as long as its token', async () => {
  const day = 86_400_000
  await using fixed = await startEdgeAuth({
    sessions: {
      ...{ absoluteMs: 14 * day, renewalMs: undefined, lifespanMs: 14 * day, renewalDelayMs: 60_000 },
      ...{ maxPerUser: 5, checkUserAgent: false },
    },
  })
  await fixed.addUser('ann', 'Operator')
  const put = (key: string, value: string) =>
    fixed.run('option.set', { category: 'oauth.internal', key: `${key}.lifespan.seconds`, value })
  await put('body-token', '300')
  const token = await fixed.signIn('ann')
  expect(await fixed.introspect(token)).toMatchObject({ active: true })
  fixed.passTime(301_000)
  expect(await fixed.introspect(token)).toEqual({ active: false })
  expect(await fixed.run('session.list')).toEqual([])
  await put('body-token', String(30 * 86_400))
  const long = await fixed.signIn('ann')
  fixed.passTime(29 * day)
  expect(await fixed.introspect(long)).toMatchObject({ active: true })
})

test('who has signed in comes to the default app', async () => {
  await startAfresh()
  await edge.addUser('ann', 'Operator')
  const target = async () => {
    const form = await edge.ask('/device/edge/auth/login')
    const token = /name="form_token" value="([^"]+)"/.exec(form.text)?.[1] as string
    const answer = await edge.ask('/device/edge/auth/login', {
      method: 'POST',
      headers: { cookie: form.cookie('edgeward_login') as string },
      body: new URLSearchParams({ username: 'ann', password, form_token: token }),
    })
    return answer.headers.location
  }
  await set('application', 'default.app', 'press')
  expect(await target()).toBe('/device/edge/auth/login') // there is no such app
  await edge.run('app.add', { name: 'press', version: '1' })
  await edge.run('app.set', { name: 'press', path: '/press/' })
  expect(await target()).toBe('/press/')
})

test('who may make options changes none that the box itself obeys', async () => {
  await startAfresh()
  await edge.run('role.add', { name: 'Maker', permissions: { Options: ['CREATE'] } })
  await edge.addUser('mia', 'Maker')
  const as = (operation: string, params: object) => edge.run(operation, params, { user: 'mia' })
  await as('option.set', { category: 'example', key: 'own', value: '1' })
  const strategy = { category: 'two-factor', key: 'strategy' }
  await expect(as('option.set', { ...strategy, value: 'off' })).rejects.toMatchObject({ code: 'forbidden' })
  await edge.run('option.set', { ...strategy, value: 'totp' })
  await expect(as('option.remove', strategy)).rejects.toMatchObject({ code: 'forbidden' })
})
