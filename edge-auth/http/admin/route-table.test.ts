import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireAccess } from '../../../core/http-access.ts'
import { createHttpServer, type HttpServer } from '../../../core/http-server.ts'
import { createLog } from '../../../core/log.ts'
import { password, startEdgeAuth } from '../../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let server: HttpServer
let keys: Record<string, string>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ada', 'Admin')
  server = createHttpServer({ log: createLog('silent') })
  requireAccess(server)
  server.register((scope) => edge.auth.administration(scope as unknown as HttpServer))
  const payload = { username: 'ada', password }
  const answer = await server.inject({ method: 'POST', url: '/api/v1/session', payload })
  const [cookie] = answer.cookies
  keys = {
    cookie: `${cookie?.name}=${cookie?.value}`,
    'x-edgeward-admin': answer.json().secret as string,
  }
})
afterAll(async () => {
  await server.close()
  await edge[Symbol.asyncDispose]()
})

const url = '/api/v1/options/example/x'
const put = (value: string, headers = {}) =>
  server.inject({ method: 'PUT', url, headers: { ...keys, ...headers }, payload: { value } })
const ask = (method: 'GET' | 'DELETE', headers = {}, path = url) =>
  server.inject({ method, url: path, headers: { ...keys, ...headers } })

test('a change that names another ETag than the last is refused, and does nothing', async () => {
  const made = await put('1', { 'if-none-match': '*' })
  expect([made.statusCode, made.headers.etag]).toEqual([200, '"1"'])
  expect((await put('2', { 'if-none-match': '*' })).statusCode).toBe(412)
  for (const etag of ['"2"', '"0"', 'W/"1"', '1', '"x"', '"1", "2"', '"-1"'])
    expect((await put('2', { 'if-match': etag })).json(), etag).toMatchObject({ code: 'precondition_failed' })
  expect((await ask('GET')).json()).toMatchObject({ value: '1', revision: 1 })
  const changed = await put('2', { 'if-match': '"1"' })
  expect([changed.statusCode, changed.headers.etag]).toEqual([200, '"2"'])
  expect((await put('3', { 'if-match': '*' })).headers.etag).toBe('"3"')
  expect((await put('4')).headers.etag).toBe('"4"')
  expect((await ask('DELETE', { 'if-match': '"3"' })).statusCode).toBe(412)
  expect((await ask('DELETE', { 'if-match': '"4"' })).statusCode).toBe(204)
  expect((await put('5', { 'if-match': '*' })).statusCode).toBe(412)
})

test('a refusal is a problem document with a code that does not change', async () => {
  const answer = await ask('GET', {}, '/api/v1/options/example/none')
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(answer.json()).toMatchObject({ type: 'about:blank', status: 404, code: 'not_found' })
  const faulty = await server.inject({ method: 'PUT', url, headers: keys, payload: { value: 1, more: 2 } })
  expect([faulty.statusCode, faulty.json().code]).toEqual([400, 'invalid'])
  const unknown = await ask('GET', {}, '/api/v1/options?nonsense=1')
  expect([unknown.statusCode, unknown.json().code]).toEqual([400, 'invalid'])
})

test('the audit names who has changed what, from where, by which request', async () => {
  await put('audited', { 'x-request-id': 'chosen-by-client' })
  const { entries } = (await edge.run('audit.list', { type: 'option_changed' })) as { entries: object[] }
  expect(entries[0]).toMatchObject({
    ...{ actor: 'ada', address: '127.0.0.1', requestId: expect.any(String), reason: 'created' },
    detail: { category: 'example', key: 'x' },
  })
})

test('who signs in is told what he may do', async () => {
  const { permissions } = (await ask('GET', {}, '/api/v1/session')).json()
  expect(permissions).toMatchObject({ Users: ['READ', 'CREATE', 'UPDATE', 'ADMIN'] })
})

test('what the path names is meant, whatever a body says', async () => {
  await edge.addUser('bob', 'Viewer')
  const url = '/api/v1/users/nobody/disable'
  const answer = await server.inject({ method: 'POST', url, headers: keys, payload: { name: 'bob' } })
  expect(answer.statusCode).toBe(404)
  expect(await edge.run('user.show', { name: 'bob' })).toMatchObject({ enabled: true })
})

test('who may make and change, and see only what is his, is told only the ETag of what is not', async () => {
  await edge.run('role.add', { name: 'Setter', permissions: { Options: ['CREATE', 'UPDATE'] } })
  await edge.addUser('sue', 'Setter')
  await edge.run('option.set', { category: 'example', key: 'others', value: '1' })
  const signedIn = await server.inject({
    method: 'POST',
    url: '/api/v1/session',
    payload: { username: 'sue', password },
  })
  const [cookie] = signedIn.cookies
  const answer = await server.inject({
    method: 'PUT',
    url: '/api/v1/options/example/others',
    headers: {
      cookie: `${cookie?.name}=${cookie?.value}`,
      'x-edgeward-admin': signedIn.json().secret as string,
    },
    payload: { value: '2' },
  })
  expect([answer.statusCode, answer.headers.etag, answer.body]).toEqual([204, '"2"', ''])
})
