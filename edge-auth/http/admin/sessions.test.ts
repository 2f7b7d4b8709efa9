import { afterEach, beforeEach, expect, test } from 'vitest'
import { requireAccess } from '../../../core/http-access.ts'
import { createHttpServer, type HttpServer } from '../../../core/http-server.ts'
import { createLog } from '../../../core/log.ts'
import { password, startEdgeAuth } from '../../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let server: HttpServer
beforeEach(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ada', 'Admin')
  server = createHttpServer({ log: createLog('silent') })
  requireAccess(server)
  server.register((scope) => edge.auth.administration(scope as unknown as HttpServer))
  await server.ready()
})
afterEach(async () => {
  await server.close()
  await edge[Symbol.asyncDispose]()
})

async function signIn(typed = password) {
  const payload = { username: 'ada', password: typed }
  const answer = await server.inject({ method: 'POST', url: '/api/v1/session', payload })
  if (answer.statusCode !== 201) return { status: answer.statusCode, headers: {} }
  const [cookie] = answer.cookies
  expect(cookie).toMatchObject({
    name: 'edgeward_admin',
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'Strict',
  })
  const headers = {
    cookie: `${cookie?.name}=${cookie?.value}`,
    'x-edgeward-admin': answer.json().secret as string,
  }
  return { status: 201, headers }
}
const status = async (headers: Record<string, string>, url = '/api/v1/sessions') =>
  (await server.inject({ url, headers })).statusCode

test('a session is seen, ended and audited like any other', async () => {
  const { headers } = await signIn()
  const { id } = (await server.inject({ url: '/api/v1/session', headers })).json()
  expect((await server.inject({ url: '/api/v1/sessions', headers })).json()).toMatchObject([
    { id, user: 'ada' },
  ])
  const audited = (await server.inject({ url: '/api/v1/audit?type=login&user=ada', headers })).json()
  expect(audited.entries).toMatchObject([{ type: 'login', session: id, detail: { method: 'admin' } }])
  await edge.run('session.end', { id })
  expect(await status(headers)).toBe(401)
})

test('signing out ends it, and a wrong password opens none', async () => {
  expect((await signIn('wrong password')).status).toBe(401)
  const { headers } = await signIn()
  expect((await server.inject({ method: 'DELETE', url: '/api/v1/session', headers })).statusCode).toBe(204)
  expect(await status(headers)).toBe(401)
  expect(await edge.run('session.list')).toEqual([])
})

test('it ends when nobody uses it, and after its longest life in any case', async () => {
  const { headers } = await signIn()
  edge.passTime(29 * 60_000)
  expect(await status(headers)).toBe(200)
  edge.passTime(29 * 60_000)
  expect(await status(headers)).toBe(200)
  edge.passTime(31 * 60_000)
  expect(await status(headers)).toBe(401)
  expect(await edge.run('session.list')).toEqual([])
})

test('a clock that is set back or forth changes nothing', async () => {
  const { headers } = await signIn()
  edge.stepClock(-86_400_000)
  expect(await status(headers)).toBe(200)
  edge.stepClock(3 * 86_400_000)
  expect(await status(headers)).toBe(200)
})

test('an Admin ends the session of another, and is told when there is none', async () => {
  await edge.addUser('ann', 'Operator')
  const token = await edge.signIn('ann')
  const { headers } = await signIn()
  const sessions = (await server.inject({ url: '/api/v1/sessions', headers })).json() as {
    id: string
    user: string
  }[]
  const url = `/api/v1/sessions/${sessions.find(({ user }) => user === 'ann')?.id}`
  expect((await server.inject({ method: 'DELETE', url, headers })).statusCode).toBe(204)
  expect(await edge.introspect(token)).toEqual({ active: false })
  expect((await server.inject({ method: 'DELETE', url, headers })).statusCode).toBe(404)
})

test('the routes are not added to a server that asks nobody who calls', async () => {
  await using held = new AsyncDisposableStack()
  const open = createHttpServer({ log: createLog('silent') })
  held.defer(() => open.close())
  open.register((scope) => edge.auth.administration(scope as unknown as HttpServer))
  await expect(open.ready()).rejects.toThrow(/asks nobody/)
})

test('guessing passwords here is slowed as elsewhere', async () => {
  for (let attempt = 0; attempt < 5; attempt++) expect((await signIn('wrong password')).status).toBe(401)
  expect((await signIn()).status).toBe(429)
})
