import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'
import { ruleFor } from './cors.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
})
afterAll(() => edge[Symbol.asyncDispose]())

const allow = (value: string) =>
  edge.run('option.set', { category: 'access.control', key: 'allow.origin', value })
const token = '/device/edge/auth/oauth2/token'
const preflight = (path: string, origin: string) =>
  edge.ask(path, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
const ask = (path: string, origin: string) => edge.ask(path, { method: 'POST', headers: { origin } })
const open = 'access-control-allow-origin'

test('without the option no page of another origin is told anything', async () => {
  for (const answer of [await preflight(token, 'https://a.example'), await ask(token, 'https://a.example')])
    expect(answer.headers[open]).toBeUndefined()
})

test('an origin that is named may ask the APIs, with credentials, and the answers are kept apart', async () => {
  await allow('https://a.example, *.plant.example')
  for (const path of [token, '/device/edge/api/v1/login/direct', '/api/v1/readings']) {
    const before = await preflight(path, 'https://a.example')
    expect([before.status, before.headers[open]]).toEqual([204, 'https://a.example'])
    expect(before.headers['access-control-allow-methods']).toContain('POST')
    const answer = await ask(path, 'https://a.example')
    expect(answer.status).not.toBe(204)
    expect(answer.headers).toMatchObject({
      [open]: 'https://a.example',
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    })
  }
  const metadata = '/.well-known/oauth-authorization-server'
  expect((await preflight(metadata, 'https://a.example')).status).toBe(204)
  expect((await preflight(metadata, 'https://b.example')).status).not.toBe(204)
})

test('a wildcard never comes with credentials', async () => {
  await allow('*.plant.example')
  const below = await ask(token, 'https://line1.plant.example')
  expect(below.headers[open]).toBe('https://line1.plant.example')
  expect(below.headers['access-control-allow-credentials']).toBeUndefined()
  await allow('*')
  const anybody = await ask(token, 'https://x.example')
  expect(anybody.headers[open]).toBe('*')
  expect(anybody.headers['access-control-allow-credentials']).toBeUndefined()
})

test('what people see, and introspection, is for no other origin', async () => {
  await allow('*')
  for (const path of [
    '/device/edge/auth/login',
    '/device/edge/auth/logout',
    '/device/edge/auth/oauth2/introspect',
    '/device/edge/auth/verify',
  ])
    expect((await ask(path, 'https://a.example')).headers[open]).toBeUndefined()
})

test.each([
  ['https://a.example', 'https://a.example:8443', undefined],
  ['https://a.example', 'http://a.example', undefined],
  ['*.a.example', 'https://a.example', undefined],
  ['*.a.example', 'https://nota.example', undefined],
  ['*.a.example', 'https://x.a.example.evil', undefined],
  ['*.a.example', 'null', undefined],
  ['*.a.example', 'https://x.y.a.example:8443', '*.a.example'],
  ['', 'https://a.example', undefined],
  ['*', '*', '*'],
])('%j and the origin %s: %s', (value, origin, rule) => {
  expect(ruleFor(origin, value)).toBe(rule)
})
