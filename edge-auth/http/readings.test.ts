import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { Invalid } from '../../core/errors.ts'
import { type Ask, startEdgeAuth } from '../../test/edge-auth.ts'

/** Keeps what it is given, on two topics of `press`, until told otherwise. */
const box = {
  taken: [] as [topic: string, document: unknown][],
  disk: async () => {},
  measurements: {
    mayPublish: (clientId: string, topic: string) => topic.startsWith(`apps/${clientId}/`),
    isBound: (topic: string) => ['apps/press/temp', 'apps/press/count'].includes(topic),
    async take(topic: string, document: unknown) {
      box.taken.push([topic, document])
      await box.disk()
    },
  },
}

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let secret: string
beforeAll(async () => {
  edge = await startEdgeAuth({}, box.measurements)
  const added = (await edge.run('app.add', { name: 'press', version: '1.0' })) as { client_secret: string }
  secret = added.client_secret
})
afterAll(() => edge[Symbol.asyncDispose]())
beforeEach(() => {
  box.taken = []
  box.disk = async () => {}
})

const credentials = (id: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}`,
})
const path = '/api/v1/readings'
const post = (body: Ask['body'], headers: Record<string, string> = credentials('press', secret)) => {
  const json = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  return edge.ask(path, { method: 'POST', headers: { ...json, ...headers }, ...(body ? { body } : {}) })
}

test('one message, and several, are answered once they are kept', async () => {
  const one = await post({ topic: 'apps/press/temp', payload: 21.5 })
  expect([one.status, one.json()]).toEqual([200, { accepted: 1 }])
  const disk = Promise.withResolvers<void>()
  box.disk = () => disk.promise
  let answered = false
  const several = post([
    { topic: 'apps/press/temp', payload: { value: null } },
    { topic: 'apps/press/count', payload: 'text' },
  ]).finally(() => {
    answered = true
  })
  await vi.waitFor(() => expect(box.taken).toHaveLength(3), { timeout: 15_000 })
  await post({ topic: 'apps/press/none', payload: 1 }) // a round trip: the answer would be here by now
  expect(answered).toBe(false)
  disk.resolve()
  expect((await several).json()).toEqual({ accepted: 2 })
  expect(box.taken).toEqual([
    ['apps/press/temp', 21.5],
    ['apps/press/temp', { value: null }],
    ['apps/press/count', 'text'],
  ])
})

test('every digit of a whole number arrives', async () => {
  await post('{"topic":"apps/press/count","payload":{"n":9007199254740993}}')
  expect(box.taken).toEqual([['apps/press/count', { n: 9007199254740993n }]])
})

const challenges = 'Basic realm="edgeward", Bearer realm="edgeward"'

test('without the secret of the app nothing is taken, whatever else is wrong', async () => {
  const message = { topic: 'apps/press/temp', payload: 1 }
  for (const headers of [{}, credentials('press', 'guess'), credentials('saw', secret)]) {
    const answer = await post(message, headers as Record<string, string>)
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, challenges])
    expect(answer.json()).toMatchObject({ code: 'invalid_client' })
  }
  expect((await post({ nonsense: true }, credentials('press', 'guess'))).status).toBe(401)
  expect(box.taken).toEqual([])
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const tokenPath = '/device/edge/auth/oauth2/token'
async function tokenOf(more: Record<string, string> = {}): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...more })
  const answer = await edge.ask(tokenPath, { method: 'POST', headers: credentials('press', secret), body })
  return (answer.json() as { access_token: string }).access_token
}

test('a token of the app itself does as well as its secret, for the topics of that app, while it is good', async () => {
  const token = await tokenOf()
  expect((await post({ topic: 'apps/press/temp', payload: 3 }, bearer(token))).json()).toEqual({
    accepted: 1,
  })
  expect((await post({ topic: 'apps/saw/temp', payload: 3 }, bearer(token))).status).toBe(403)
  const body = new URLSearchParams({ token })
  const headers = credentials('press', secret)
  await edge.ask('/device/edge/auth/oauth2/revoke', { method: 'POST', headers, body })
  expect((await post({ topic: 'apps/press/temp', payload: 4 }, bearer(token))).status).toBe(401)
  expect(box.taken).toEqual([['apps/press/temp', 3]])
})

test('neither a person’s token, nor one for another app, nor garbage is a token of the app', async () => {
  await edge.addUser('ann', 'Admin')
  await edge.run('app.add', { name: 'saw', version: '1.0' })
  for (const token of [await edge.signIn('ann'), await tokenOf({ audience: 'saw' }), 'x']) {
    const answer = await post({ topic: 'apps/press/temp', payload: 1 }, bearer(token))
    expect([answer.status, answer.json()]).toEqual([401, expect.objectContaining({ code: 'invalid_token' })])
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="edgeward", error="invalid_token", /)
  }
  expect(box.taken).toEqual([])
})

test('one message at fault keeps all of them out, and is named with its place', async () => {
  const good = { topic: 'apps/press/temp', payload: 1 }
  const foreign = await post([good, { topic: 'apps/saw/temp', payload: 1 }])
  expect([foreign.status, foreign.json()]).toEqual([
    403,
    expect.objectContaining({
      code: 'foreign_topic',
      detail: 'not a topic of the app press: [1] "apps/saw/temp"',
    }),
  ])
  const unbound = await post([
    { topic: 'apps/press/a', payload: 1 },
    good,
    { topic: 'apps/press/b', payload: 1 },
  ])
  expect([unbound.status, unbound.json()]).toEqual([
    422,
    expect.objectContaining({
      code: 'topic_not_bound',
      detail: 'no data point is bound to [0] "apps/press/a", [2] "apps/press/b"',
    }),
  ])
  const many = await post(Array.from({ length: 50 }, () => ({ topic: 'apps/press/a', payload: 1 })))
  expect((many.json() as { detail: string }).detail).toMatch(/\[9\] "apps\/press\/a" and 40 more$/)
  expect(box.taken).toEqual([])
})

test.each<[what: string, body: string]>([
  ['no JSON', '{"topic":'],
  ['no message', '[]'],
  ['a message without a payload', '{"topic":"apps/press/temp"}'],
  ['a topic that is no text', '{"topic":1,"payload":1}'],
  ['an unknown member', '{"topic":"apps/press/temp","payload":1,"qos":1}'],
  [
    'more messages than are taken at once',
    JSON.stringify(Array(1_001).fill({ topic: 'apps/press/temp', payload: 1 })),
  ],
])('%s is refused with 400', async (_what, body) => {
  expect((await post(body)).status).toBe(400)
  expect(box.taken).toEqual([])
})

test('too large a body, another type and another method are refused', async () => {
  const large = { topic: 'apps/press/temp', payload: 'x'.repeat(256 * 1024) }
  expect((await post(large)).status).toBe(413)
  expect((await post({ topic: 'apps/press/temp', payload: 'x'.repeat(250 * 1024) })).status).toBe(200)
  expect(
    (await post('topic', { ...credentials('press', secret), 'content-type': 'text/plain' })).status,
  ).toBe(415)
  expect((await edge.ask(path, { headers: credentials('press', secret) })).status).toBe(405)
})

test('what the outbox refuses is to be sent again later', async () => {
  box.disk = () => Promise.reject(new Invalid('the outbox is full'))
  const answer = await post([
    { topic: 'apps/press/temp', payload: 1 },
    { topic: 'apps/press/temp', payload: 2 },
  ])
  expect([answer.status, answer.json()]).toEqual([
    503,
    expect.objectContaining({ code: 'readings_not_kept', detail: 'the outbox is full' }),
  ])
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
})

test('while the disk stalls only so much is taken; the rest is to come back later', async () => {
  const disk = Promise.withResolvers<void>()
  box.disk = () => disk.promise
  const payload = 'x'.repeat(250 * 1024)
  let refused = 0
  const answers = Array.from({ length: 40 }, async () => {
    const { status } = await post({ topic: 'apps/press/temp', payload })
    if (status === 503) refused++
    return status
  })
  await vi.waitFor(() => expect(box.taken.length + refused).toBe(40), { timeout: 15_000 })
  expect(refused).toBeGreaterThan(5)
  disk.resolve()
  const kept = (await Promise.all(answers)).filter((status) => status === 200)
  expect(kept).toHaveLength(40 - refused)
})
