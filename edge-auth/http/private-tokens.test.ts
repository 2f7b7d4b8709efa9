import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ask, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
const secrets: Record<string, string> = {}
const addApp = async (name: string): Promise<void> => {
  const { client_secret } = (await edge.run('app.add', { name, version: '1' })) as { client_secret: string }
  secrets[name] = client_secret
}
beforeAll(async () => {
  edge = await startEdgeAuth({ kv: { quota: 600_000, maxValueBytes: 300_000 } })
  for (const name of ['press', 'oven']) await addApp(name)
})
afterAll(() => edge[Symbol.asyncDispose]())

const basic = (app: string) => ({
  authorization: `Basic ${Buffer.from(`${app}:${secrets[app]}`).toString('base64')}`,
})
const base = '/api/rest/v1/token'
const pathOf = (relatedId: string, key: string) =>
  `${base}/${encodeURIComponent(relatedId)}/${encodeURIComponent(key)}`
const ask = (app: string, method: string, path: string, { headers, ...more }: Ask = {}) =>
  edge.ask(path, { method, headers: { ...basic(app), ...headers }, ...more })
const put = (app: string, relatedId: string, key: string, value: string, headers = {}) =>
  ask(app, 'PUT', pathOf(relatedId, key), { body: { value }, headers })
const get = (app: string, relatedId: string, key: string, headers = {}) =>
  ask(app, 'GET', pathOf(relatedId, key), { headers })
interface Listing {
  resources: { relatedId: string; key: string; value?: string; size?: number }[]
  totalResults: number
  startIndex: number
  itemsPerPage: number
}
const listed = async (app: string, query = ''): Promise<Listing> =>
  (await ask(app, 'GET', `${base}${query}`)).json() as Listing
const names = ({ resources }: Listing) => resources.map(({ relatedId, key }) => `${relatedId}/${key}`)
const filtered = (filter: string) => `?filter=${encodeURIComponent(filter)}`

test('employees of projects and products: listed by project, by both, and no other app sees them', async () => {
  const triples = [
    ['project-1', 'product-7', 'employee Ann'],
    ['project-1', 'product-8', 'employee Bob'],
    ['project-2', 'product-7', 'employee Cem'],
  ] as const
  for (const [relatedId, key, value] of triples) {
    const made = await ask('press', 'POST', base, { body: { relatedId, key, value } })
    expect([made.status, made.headers.location]).toEqual([201, pathOf(relatedId, key)])
    expect(made.json()).toMatchObject({ relatedId, key, size: value.length })
  }
  const again = await ask('press', 'POST', base, {
    body: { relatedId: 'project-1', key: 'product-7', value: '' },
  })
  expect([again.status, again.json()]).toMatchObject([409, { code: 'token_exists' }])

  const ofProject = (await ask('press', 'GET', `${base}/project-1`)).json() as Listing
  expect(ofProject).toMatchObject({ totalResults: 2, startIndex: 0, itemsPerPage: 2 })
  expect(ofProject.resources.map(({ value }) => value)).toEqual(['employee Ann', 'employee Bob'])
  expect((await get('press', 'project-2', 'product-7')).json()).toEqual({
    ...{ relatedId: 'project-2', key: 'product-7', value: 'employee Cem', size: 12 },
    created: expect.stringMatching(/^\d{4}-.*Z$/),
    updated: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  expect(names(await listed('press', filtered('key eq "product-7"')))).toEqual([
    ...['project-1/product-7', 'project-2/product-7'],
  ])

  expect((await listed('oven')).totalResults).toBe(0)
  expect((await get('oven', 'project-1', 'product-7')).status).toBe(404)
  await put('oven', 'project-1', 'product-7', 'another')
  expect((await get('press', 'project-1', 'product-7')).json()).toMatchObject({ value: 'employee Ann' })
  expect((await ask('oven', 'DELETE', pathOf('project-1', 'product-8'))).status).toBe(404)

  expect((await ask('press', 'DELETE', pathOf('project-1', 'product-7'))).status).toBe(204)
  expect((await ask('press', 'DELETE', pathOf('project-1', 'product-7'))).status).toBe(404)
  expect((await listed('press')).totalResults).toBe(2)
})

test('names of any characters come back as they were sent', async () => {
  const strange = ['a.b', '.', '..', 'a/b', '%2F', 'a b+c', 'nul\0nul', '😀', '"\\', '?#&;=', 'ä'.repeat(512)]
  for (const [at, relatedId] of strange.entries()) {
    const key = strange[(at + 1) % strange.length] as string
    expect((await put('press', relatedId, key, `of ${at}`)).status, JSON.stringify(relatedId)).toBe(201)
    expect((await get('press', relatedId, key)).json()).toMatchObject({ relatedId, key, value: `of ${at}` })
    const found = await listed('press', filtered(`relatedId eq ${JSON.stringify(relatedId)}`))
    expect(found.resources).toMatchObject([{ relatedId, key }])
    const ofRelated = (
      await ask('press', 'GET', `${base}/${encodeURIComponent(relatedId)}`)
    ).json() as Listing
    expect(ofRelated.resources).toMatchObject([{ relatedId, key }])
  }
  for (const [at, relatedId] of strange.entries()) {
    const { status } = await ask(
      'press',
      'DELETE',
      pathOf(relatedId, strange[(at + 1) % strange.length] as string),
    )
    expect(status).toBe(204)
  }
})

test.each([
  ['half a surrogate in the path', 'PUT', `${base}/a/%ED%A0%80`, { value: '' }, 400],
  ['no UTF-8 in the path', 'PUT', `${base}/a/%FF`, { value: '' }, 400],
  ['an empty key', 'PUT', `${base}/a/`, { value: '' }, 400],
  ['an empty relatedId', 'PUT', `${base}//a`, { value: '' }, 400],
  ['a long key', 'PUT', `${base}/a/${'ä'.repeat(513)}`, { value: '' }, 400],
  ['three names', 'PUT', `${base}/a/b/c`, { value: '' }, 404],
  ['one name', 'PUT', `${base}/a`, { value: '' }, 404],
  ['another key in the body', 'PUT', `${base}/a/b`, { value: '', key: 'c' }, 400],
  ['a number', 'PUT', `${base}/a/b`, { value: 1 }, 400],
  ['an unknown member', 'PUT', `${base}/a/b`, { value: '', more: '' }, 400],
  ['no value', 'PUT', `${base}/a/b`, {}, 400],
  ['half a surrogate in the value', 'PUT', `${base}/a/b`, '{"value":"\\ud800"}', 400],
  ['half a body', 'PUT', `${base}/a/b`, '{"value":"a"', 400],
  ['no body', 'PUT', `${base}/a/b`, '', 400],
  ['no key', 'POST', base, { relatedId: 'a', value: '' }, 400],
  ['an empty relatedId in the body', 'POST', base, { relatedId: '', key: 'a', value: '' }, 400],
  ['a long key in the body', 'POST', base, { relatedId: 'a', key: 'k'.repeat(1_025), value: '' }, 400],
  ['an endless relatedId', 'POST', base, { relatedId: 'a'.repeat(70_000), key: 'k', value: '' }, 413],
  ['half a filter', 'GET', `${base}?filter=key`, undefined, 400],
  ['a negative count', 'GET', `${base}?count=-1`, undefined, 400],
  ['an unknown parameter', 'GET', `${base}?startindex=1`, undefined, 400],
  ['an unknown attribute', 'GET', `${base}?attributes=secret`, undefined, 400],
  ['a filter for one token', 'GET', `${base}/a/b?filter=key`, undefined, 400],
  ['another method', 'PATCH', `${base}/a/b`, undefined, 405],
  ['all at once', 'DELETE', base, undefined, 405],
])('%s is refused, and nothing is kept', async (_what, method, path, body, status) => {
  const before = await listed('press')
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  const answer = await ask('press', method, path, { headers, ...(body === undefined ? {} : { body }) })
  expect(answer.status).toBe(status)
  expect(await listed('press')).toEqual(before)
})

test('a body of another type is refused', async () => {
  const answer = await ask('press', 'PUT', `${base}/a/b`, { body: new URLSearchParams({ value: 'a' }) })
  expect(answer.status).toBe(415)
})

test('a value has the most bytes, and not one more; a megabyte of escapes is no large value', async () => {
  const most = 300_000
  expect((await put('press', 'big', 'a', 'ä'.repeat(most / 2))).status).toBe(201)
  const answer = await put('press', 'big', 'b', `${'ä'.repeat(most / 2)}.`)
  expect(answer.json()).toMatchObject({
    ...{ status: 413, code: 'value_too_large', detail: 'the value has more than 300000 bytes of UTF-8' },
  })
  const escaped = `{"value":"${'\\u0061'.repeat(200_000)}"}`
  const json = { 'content-type': 'application/json' }
  const put2 = await ask('press', 'PUT', `${base}/big/b`, { body: escaped, headers: json })
  expect(put2.json()).toMatchObject({ size: 200_000 })
  expect((await get('press', 'big', 'b')).json()).toMatchObject({ value: 'a'.repeat(200_000) })
  expect((await get('press', 'big', 'a')).json()).toMatchObject({ value: 'ä'.repeat(most / 2) })
  const spaces = await ask('press', 'PUT', `${base}/big/b`, {
    ...{ body: `{"value":"a"${' '.repeat(2_000_000)}}`, headers: json },
  })
  expect(spaces.json()).toMatchObject({ status: 413, code: 'body_too_large' })
  await edge.run('kv.remove', { app: 'press', relatedId: 'big' })
})

test('an app keeps no more than its quota, and gets it back; the other one is not concerned', async () => {
  const value = 'x'.repeat(290_000)
  expect((await put('oven', 'q', '1', value)).status).toBe(201)
  expect((await put('oven', 'q', '2', value)).status).toBe(201)
  const full = await put('oven', 'q', '3', value)
  expect(full.json()).toMatchObject({ status: 507, code: 'quota_exceeded' })
  expect((await get('oven', 'q', '3')).status).toBe(404)
  expect((await put('oven', 'q', '2', 'y'.repeat(290_000))).status).toBe(200)
  expect((await put('press', 'q', '1', value)).status).toBe(201)
  expect((await ask('oven', 'DELETE', pathOf('q', '1'))).status).toBe(204)
  expect((await put('oven', 'q', '3', value)).status).toBe(201)
  expect(await edge.run('kv.quota')).toMatchObject({
    quota: 600_000,
    apps: expect.arrayContaining([{ app: 'oven', tokens: 3, used: 580_007 + (9 + 9 + 2 + 2) + 3 * 128 }]),
  })
})

test('entity tags: what changed meanwhile is not overwritten, and what did not is not sent again', async () => {
  const made = await put('press', 'tag', 'k', 'one', { 'if-none-match': '*' })
  const one = made.headers.etag as string
  expect((await put('press', 'tag', 'k', 'other', { 'if-none-match': '*' })).status).toBe(412)
  const read = await get('press', 'tag', 'k', { 'if-none-match': `"x", W/${one}` })
  expect([read.status, read.text, read.headers.etag]).toEqual([304, '', one])

  const changed = await put('press', 'tag', 'k', 'two', { 'if-match': one })
  expect(changed.status).toBe(200)
  expect(changed.headers.etag).not.toBe(one)
  expect((await put('press', 'tag', 'k', 'three', { 'if-match': one })).status).toBe(412)
  expect((await put('press', 'tag', 'none', 'three', { 'if-match': '*' })).status).toBe(412)
  expect((await get('press', 'tag', 'k', { 'if-match': one })).status).toBe(412)
  expect((await ask('press', 'DELETE', pathOf('tag', 'k'), { headers: { 'if-match': one } })).status).toBe(
    412,
  )
  expect((await get('press', 'tag', 'k', { 'if-none-match': one })).json()).toMatchObject({ value: 'two' })
  expect((await get('press', 'tag', 'k', { 'if-match': 'tag' })).status).toBe(400)
  const etag = changed.headers.etag as string
  const gone = await ask('press', 'DELETE', pathOf('tag', 'k'), { headers: { 'if-match': etag } })
  expect(gone.status).toBe(204)
})

test('lists are paged from 0, have small values, and all values when they are asked for', async () => {
  await addApp('list')
  for (let at = 0; at < 25; at++) await put('list', `r${at % 5}`, `k${String(at).padStart(2, '0')}`, `v${at}`)
  await put('list', 'big', 'k', 'b'.repeat(5_000))
  const first = await listed('list', '?startIndex=0&count=10')
  const rest = await listed('list', '?startIndex=10')
  expect(first).toMatchObject({ totalResults: 26, startIndex: 0, itemsPerPage: 10 })
  expect(rest).toMatchObject({ totalResults: 26, startIndex: 10, itemsPerPage: 16 })
  const all = [...names(first), ...names(rest)]
  expect(all).toEqual([...new Set(all)].sort())
  expect(first.resources[0]).toEqual({
    ...{ relatedId: 'big', key: 'k', size: 5_000, created: expect.any(String), updated: expect.any(String) },
  })
  expect(first.resources[1]).toMatchObject({ relatedId: 'r0', key: 'k00', value: 'v0' })
  const withValues = await listed('list', '?attributes=value&count=2')
  expect(withValues.resources).toEqual([
    { relatedId: 'big', key: 'k', value: 'b'.repeat(5_000) },
    { relatedId: 'r0', key: 'k00', value: 'v0' },
  ])
  const bare = await listed('list', '?attributes=key,Size&count=2')
  expect(bare.resources[1]).toEqual({ relatedId: 'r0', key: 'k00', size: 2 })
  expect(await listed('list', '?count=0')).toEqual({
    ...{ resources: [], totalResults: 26, startIndex: 0, itemsPerPage: 0 },
  })
  expect((await listed('list', '?count=9999&startIndex=26')).resources).toEqual([])
  const filter = filtered('relatedId eq "r1" and (key ew "1" or key sw "k2")')
  expect(names(await listed('list', filter))).toEqual(['r1/k01', 'r1/k11', 'r1/k21'])
  const later = await listed('list', filtered('created gt "2001-01-01T00:00:00+01:00" and relatedId co "ig"'))
  expect(names(later)).toEqual(['big/k'])
  const inPath = await ask('list', 'GET', `${base}/r1${filtered('key ge "k11"')}&count=1`)
  expect(inPath.json()).toMatchObject({ totalResults: 3, itemsPerPage: 1, resources: [{ key: 'k11' }] })
})

test('nobody gets in without being an app; a token of the app for itself will do', async () => {
  const none = await edge.ask(base)
  expect([none.status, none.headers['www-authenticate']]).toEqual([
    401,
    expect.stringMatching(/^Basic realm=.*Bearer/),
  ])
  const wrong = await edge.ask(base, {
    headers: { authorization: `Basic ${Buffer.from('press:wrong').toString('base64')}` },
  })
  expect(wrong.status).toBe(401)
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  const issued = await ask('press', 'POST', '/device/edge/auth/oauth2/token', { body })
  const { access_token } = issued.json() as { access_token: string }
  const headers = { authorization: `Bearer ${access_token}` }
  await put('press', 'by', 'token', 'value')
  expect((await edge.ask(`${base}/by/token`, { headers })).json()).toMatchObject({ value: 'value' })
  const bad = await edge.ask(base, { headers: { authorization: `Bearer ${access_token}x` } })
  expect([bad.status, bad.headers['www-authenticate']]).toEqual([
    401,
    expect.stringContaining('invalid_token'),
  ])
  const upload = await edge.ask(`${base}/a/b`, { method: 'PUT', body: { value: 'x'.repeat(100_000) } })
  expect(upload.status).toBe(401)
})

test('what an app keeps outlives its versions and a restart, and goes with the app', async () => {
  await addApp('mill')
  await put('mill', 'a', 'b', 'kept')
  await edge.run('app.add', { name: 'mill', version: '2' })
  await edge.run('app.remove', { name: 'mill', version: '2' })
  await edge.restart()
  expect((await get('mill', 'a', 'b')).json()).toMatchObject({ value: 'kept' })
  await edge.run('app.remove', { name: 'mill' })
  await addApp('mill')
  expect((await get('mill', 'a', 'b')).status).toBe(404)
  await put('mill', 'a', 'b', 'new')
  await edge.restart()
  expect((await get('mill', 'a', 'b')).json()).toMatchObject({ value: 'new' })
})

test('administrators list, see and remove what an app keeps, and the audit says so', async () => {
  await addApp('saw')
  await put('saw', 'a', '1', 'one')
  await put('saw', 'a', '2', 'two')
  await put('saw', 'b', '1', 'three')
  expect(await edge.run('kv.list', { app: 'saw', filter: 'key eq "1"' })).toMatchObject({
    totalResults: 2,
    resources: [
      { app: 'saw', relatedId: 'a', key: '1', size: 3 },
      { app: 'saw', relatedId: 'b', key: '1', size: 5 },
    ],
  })
  expect(await edge.run('kv.show', { app: 'saw', relatedId: 'a', key: '2' })).toMatchObject({ value: 'two' })
  await expect(edge.run('kv.remove', { app: 'saw' })).rejects.toMatchObject({ code: 'invalid' })
  await expect(edge.run('kv.remove', { app: 'saw', relatedId: 'a', all: true })).rejects.toMatchObject({
    code: 'invalid',
  })
  expect(await edge.run('kv.remove', { app: 'saw', relatedId: 'a', key: '2' })).toEqual({ removed: 1 })
  const gone = { app: 'saw', relatedId: 'a', key: '2' }
  await expect(edge.run('kv.show', gone)).rejects.toMatchObject({ code: 'not_found' })
  await expect(edge.run('kv.remove', gone)).rejects.toMatchObject({ code: 'not_found' })
  expect(await edge.run('kv.remove', { app: 'saw', all: true })).toEqual({ removed: 2 })
  await expect(edge.run('kv.list', { app: 'none' })).rejects.toMatchObject({ code: 'not_found' })
  await edge.restart()
  const { entries } = (await edge.run('audit.list')) as { entries: { type: string; clientId?: string }[] }
  const ofSaw = entries.filter(({ clientId, type }) => clientId === 'saw' && type.startsWith('private'))
  expect(ofSaw.map(({ type }) => type)).toEqual([
    ...['private_tokens_removed', 'private_tokens_removed', 'private_token_shown'],
  ])
})
