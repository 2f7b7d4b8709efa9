import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loginPath } from '../edge-auth.ts'
import { codeAt, createVisitor, scan, wrongCode } from '../second-factor.ts'
import { type Box, directLogin, openBox, password } from './boxed.ts'

/*
 * X13: what one way to a session demands, another must not forget. There are three: the page, the login
 * API, and the administration; and Basic, which needs no session.
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

const visitor = () =>
  createVisitor(async (path, question) => {
    const answer = await box.ask(
      path,
      question && {
        ...question,
        body: question.body.toString(),
        headers: { ...question.headers, 'content-type': 'application/x-www-form-urlencoded' },
      },
    )
    return { ...answer, setCookies: answer.headers['set-cookie'] ?? [] }
  })
const withCode = (username: string, totp: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ username, password, totp }),
})
/** By each way, all at once: the password and the code. */
const withCodeBy: Record<Way, (username: string, code: string) => Promise<{ status: number }>> = {
  async page(username, code) {
    const person = visitor()
    await person.open()
    await person.submit({ username, password })
    return person.submit({ code }, '/code')
  },
  'login API': (username, code) => box.ask(directLogin, withCode(username, code)),
  administration: (username, code) => box.askAdmin('/api/v1/session', withCode(username, code)),
}

describe.each(names)('X13: where a second factor is asked for, a sign-in by %s', (way) => {
  const user = `second-${names.indexOf(way)}`
  let secret: Buffer
  let begun: number

  beforeAll(async () => {
    const option = { category: 'two-factor', key: 'strategy', value: 'totp' }
    await box.gateway.operate('option.set', option)
    await addUser(user, { totpRequired: true })
  })

  test('opens nothing before it is set up', async () => {
    expect((await ways[way](user, password)).text).not.toMatch(/access_token"|secret"/)
    expect(await sessionsOf(user)).toEqual([])
    const person = visitor()
    await person.open()
    secret = scan((await person.submit({ username: user, password })).text)
    expect(await sessionsOf(user)).toEqual([])
    begun = Date.now()
    expect((await person.submit({ code: codeAt(secret, begun) }, '/second-factor')).session).toBeDefined()
    await box.gateway.operate('session.end', { user })
  })

  test('opens nothing by the password alone, by a wrong code, or by the form of another step', async () => {
    const answer = await ways[way](user, password)
    expect(answer.headers['set-cookie']?.join() ?? '').not.toMatch(/access_token|edgeward_admin/)
    const wrong = wrongCode(secret, Date.now())
    expect((await withCodeBy[way](user, wrong)).status).toBe(401)
    const person = visitor()
    await person.open()
    await person.submit({ username: user, password })
    const [fresh, token] = ['another good password', person.hidden.ticket as string]
    expect((await person.submit({ password: fresh, repeated: fresh }, '/new-password')).status).toBe(403)
    const bearer = await box.askAsProxy('/device/edge/auth/verify', {
      headers: { cookie: `access_token=${token}`, 'x-original-uri': '/press/' },
    })
    expect(bearer.status).toBe(401)
    expect(await sessionsOf(user)).toEqual([])
  })

  test('opens a session by password and code', async () => {
    expect((await withCodeBy[way](user, codeAt(secret, begun + 30_000))).status).toBeLessThan(400)
    expect(await sessionsOf(user)).toHaveLength(1)
  })

  test('is not gone round by Basic', async () => {
    const basic = (name: string) =>
      box.askAsProxy('/device/edge/auth/verify', {
        headers: {
          authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
          'x-original-uri': '/press/',
        },
      })
    await box.gateway.operate('option.set', { category: 'login', key: 'basic', value: 'on' })
    await addUser(`plain-${user}`, { roles: ['Operator'] })
    expect((await basic(`plain-${user}`)).status).toBe(200)
    expect((await basic(user)).status).toBe(401)
  })

  test('obeys the lockout that wrong codes on any way have brought, also where the code form is open', async () => {
    const person = visitor()
    await person.open()
    await person.submit({ username: user, password })
    const wrong = wrongCode(secret, Date.now())
    for (let n = 0; n < 5; n++) await withCodeBy[names[n % names.length] as Way](user, wrong)
    expect((await ways[way](user, password)).status).toBe(429)
    expect((await person.submit({ code: codeAt(secret, Date.now()) }, '/code')).status).toBe(429)
  })
})
