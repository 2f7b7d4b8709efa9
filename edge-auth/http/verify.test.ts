import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let token: string
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ann', 'Operator', 'Viewer')
  token = await edge.signIn('ann')
})
afterAll(() => edge[Symbol.asyncDispose]())

const path = '/device/edge/auth/verify'
const verify = (headers: Record<string, string>, query = '') =>
  edge.ask(`${path}${query}`, { via: 'proxy', headers })

test('who is signed in passes, by cookie or as Bearer, with name and roles', async () => {
  for (const headers of [
    { cookie: `access_token=${token}` },
    { authorization: `Bearer ${token}` },
    { cookie: `access_token=${token}`, authorization: 'Bearer of-the-app-itself' },
  ]) {
    const answer = await verify({ ...headers, 'x-original-uri': '/press/?a=1' })
    expect(answer.status).toBe(200)
    expect(answer.headers['x-auth-user']).toBe('ann')
    expect(answer.headers['x-auth-roles']).toBe('Operator,Viewer')
  }
})

test('nobody else passes, and is told where to sign in', async () => {
  const answer = await verify({ 'x-original-uri': '/press/?a=1&b=2' })
  expect(answer.status).toBe(401)
  expect(answer.headers['x-auth-redirect']).toBe('/device/edge/auth/login?rd=%2Fpress%2F%3Fa%3D1%26b%3D2')
  expect(answer.headers).not.toHaveProperty('x-auth-user')
  const redirected = await verify({ 'x-forwarded-uri': '/press/' }, '?mode=redirect')
  expect([redirected.status, redirected.headers.location]).toEqual([
    302,
    '/device/edge/auth/login?rd=%2Fpress%2F',
  ])
})

test('health checks and probes do not pass either', async () => {
  for (const userAgent of ['GoogleHC/1.0', 'kube-probe/1.29'])
    expect((await verify({ 'user-agent': userAgent, 'x-original-uri': '/healthz' })).status).toBe(401)
})

describe('even who is signed in does not pass', () => {
  test.each([
    '/press/../x',
    '/press/%2e%2e/x',
    '/press%2f..',
    '//press',
    '/press;x=1',
    '/press/%00',
    '/%c0%ae/x',
  ])('for the two-faced target %s', async (uri) => {
    const headers = { cookie: `access_token=${token}`, 'x-original-uri': uri }
    expect((await verify(headers)).status).toBe(403)
  })
  test('when the proxy names two targets', async () => {
    const headers = { cookie: `access_token=${token}`, 'x-original-uri': '/a', 'x-forwarded-uri': '/b' }
    expect((await verify(headers)).status).toBe(403)
  })
})

test('what a stranger says about the target is not listened to', async () => {
  const headers = { 'x-original-uri': '/press/', 'x-forwarded-uri': '/andon/', 'x-auth-user': 'ann' }
  const answer = await edge.ask(path, { headers })
  expect(answer.status).toBe(401)
  expect(answer.headers['x-auth-redirect']).toBe('/device/edge/auth/login')
})

test('the address of a sign-in is the one that the proxy saw, and only the proxy is asked', async () => {
  const body = { username: 'ann', password: 'wrong password' }
  const headers = { 'x-forwarded-for': '198.51.100.9, 203.0.113.5' }
  const login = '/device/edge/api/v1/login/direct'
  await edge.ask(login, { via: 'proxy', method: 'POST', headers, body })
  await edge.ask(login, { via: 'tcp', method: 'POST', headers, body })
  await edge.run('audit.list') // what failed is written, and told, a moment later
  const { entries } = (await edge.run('audit.list', { type: 'login_failed' })) as {
    entries: { address: string }[]
  }
  const addresses = entries.map(({ address }) => address).reverse()
  expect(addresses.slice(-2)).toEqual(['203.0.113.5', '127.0.0.1'])
})
