import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loginPath } from '../edge-auth.ts'
import { type Box, directLogin, openBox, password } from './boxed.ts'

/*
 * X13: what one way to a session demands, another must not forget. There are three: the page, the login
 * API, and the administration.
 */

let box: Box
beforeAll(async () => {
  box = await openBox({ proxied: false })
})
afterAll(() => box[Symbol.asyncDispose]())

const json = (username: string, typed: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ username, password: typed }),
})
const byPage = async (username: string, typed: string) => {
  const page = await box.ask(loginPath)
  const formToken = /name="form_token" value="([^"]*)"/.exec(page.text)?.[1] as string
  return box.ask(loginPath, {
    method: 'POST',
    headers: {
      cookie: `edgeward_login=${formToken}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ form_token: formToken, username, password: typed }).toString(),
  })
}
const ways = {
  page: byPage,
  'login API': (username: string, typed: string) => box.ask(directLogin, json(username, typed)),
  administration: (username: string, typed: string) => box.askAdmin('/api/v1/session', json(username, typed)),
}
type Way = keyof typeof ways
const names = Object.keys(ways) as Way[]

const addUser = (name: string, more: object = {}) =>
  box.gateway.operate('user.add', { name, roles: ['Admin'], password, ...more })
const sessionsOf = (user: string) => box.gateway.operate<object[]>('session.list', { user })

describe.each(names)('X13: a sign-in by %s', (way) => {
  const name = (what: string) => `${what}-${names.indexOf(way)}`

  test('obeys the lockout that failures on any way have brought', async () => {
    const user = name('locked')
    await addUser(user)
    for (let n = 0; n < 5; n++) await ways[names[n % names.length] as Way](user, 'wrong password')
    expect((await ways[way](user, password)).status).toBe(429)
    expect(await sessionsOf(user)).toEqual([])
  })

  test('opens nothing while a new password must be chosen', async () => {
    const user = name('must-change')
    await addUser(user, { mustChange: true })
    const answer = await ways[way](user, password)
    expect(answer.headers['set-cookie']?.join() ?? '').not.toMatch(/access_token|edgeward_admin/)
    expect(answer.text).not.toContain('access_token')
    expect(await sessionsOf(user)).toEqual([])
  })

  test('is closed to a disabled user', async () => {
    const user = name('disabled')
    await addUser(user)
    await box.gateway.operate('user.disable', { name: user })
    expect((await ways[way](user, password)).status).toBe(401)
    expect(await sessionsOf(user)).toEqual([])
  })
})
