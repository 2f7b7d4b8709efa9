import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, password, startEdgeAuth } from '../../test/edge-auth.ts'
import { codeAt, createVisitor, recoveryCodes, scan, wrongCode } from '../../test/second-factor.ts'

type Edge = Awaited<ReturnType<typeof startEdgeAuth>>
let edge: Edge
let aheadMs = 0
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('root', 'Admin')
  await edge.run('option.set', { category: 'two-factor', key: 'strategy', value: 'totp' })
})
afterAll(() => edge[Symbol.asyncDispose]())

const now = () => Date.now() + aheadMs
/** To the next code: each is good once. */
const wait = () => {
  edge.stepClock(30_000)
  aheadMs += 30_000
}
const visitor = (via: Ask['via'] = 'tcp') =>
  createVisitor(async (path, question) => {
    const answer = await edge.ask(path, { ...question, via })
    return { ...answer, setCookies: answer.headers['set-cookie'] ?? [] }
  })
const direct = (username: string, more: object = {}) =>
  edge.ask('/device/edge/api/v1/login/direct', { method: 'POST', body: { username, password, ...more } })
const addUser = (name: string, more: object = {}) =>
  edge.run('user.add', { name, roles: ['Operator'], password, totpRequired: true, ...more })

/** Goes all the way, as a person does at the first sign-in. */
async function enrol(username: string, query = '') {
  const person = visitor()
  await person.open(query)
  const setUp = await person.submit({ username, password })
  expect(setUp).toMatchObject({ status: 200, title: 'Set up a second factor', session: undefined })
  const secret = scan(setUp.text)
  const done = await person.submit({ code: codeAt(secret, now()) }, '/second-factor')
  expect(done.title).toBe('Your recovery codes')
  return { secret, done, recovery: recoveryCodes(done.text) }
}

/** Types the password; the page with the code form is next. */
async function atCode(username: string) {
  const person = visitor()
  await person.open()
  const page = await person.submit({ username, password })
  expect(page).toMatchObject({ status: 200, title: 'Second factor', session: undefined })
  return { person, type: (code: string) => person.submit({ code }, '/code') }
}

describe('who needs a second factor', () => {
  test('sets it up on the way in, and from then on types a code', async () => {
    await addUser('ann')
    const { secret, done, recovery } = await enrol('ann')
    expect(done.session).toBeDefined()
    expect(new Set(recovery).size).toBe(10)
    expect(done.text).toContain('href="/device/edge/auth/login">I have written them down')
    wait()
    const { type } = await atCode('ann')
    expect(await type(codeAt(secret, now()))).toMatchObject({ status: 303, session: expect.any(String) })
    expect(await edge.run('totp.list')).toMatchObject([{ user: 'ann', recoveryCodesLeft: 10 }])
  })

  test('does not see the secret again, and nobody else sees it', async () => {
    const shown = JSON.stringify([await edge.run('totp.list'), await edge.run('user.show', { name: 'ann' })])
    expect(shown).not.toMatch(/secret|[A-Z2-7]{32}/)
    const { person } = await atCode('ann')
    expect(Object.keys(person.hidden).sort()).toEqual(['form_token', 'ticket'])
    expect((await person.submit({ code: '1' }, '/second-factor')).status).toBe(403)
  })

  test('must show that the app has the secret', async () => {
    await addUser('bob')
    const person = visitor()
    await person.open()
    const { text } = await person.submit({ username: 'bob', password })
    const secret = scan(text)
    const refused = await person.submit({ code: wrongCode(secret, now()) }, '/second-factor')
    expect(refused).toMatchObject({ status: 401, session: undefined })
    expect(scan(refused.text)).toEqual(secret)
    expect(await edge.run('totp.list')).not.toContainEqual(expect.objectContaining({ user: 'bob' }))
    const done = await person.submit({ code: codeAt(secret, now()) }, '/second-factor')
    expect(done.session).toBeDefined()
  })

  test('chooses a new password last, when the old one is over', async () => {
    await addUser('cid', { mustChange: true })
    const person = visitor()
    await person.open()
    const secret = scan((await person.submit({ username: 'cid', password })).text)
    const codes = await person.submit({ code: codeAt(secret, now()) }, '/second-factor')
    expect(codes).toMatchObject({ title: 'Your recovery codes', session: undefined })
    expect((await person.submit({}, '/new-password')).title).toBe('New password')
    const fresh = 'another good password'
    const chosen = await person.submit({ password: fresh, repeated: fresh }, '/new-password')
    expect(chosen).toMatchObject({ status: 303, session: expect.any(String) })

    await edge.run('user.passwd', { name: 'cid', password, mustChange: true })
    wait()
    const { person: again, type } = await atCode('cid')
    expect(await type(codeAt(secret, now()))).toMatchObject({ title: 'New password', session: undefined })
    expect((await again.submit({ password: fresh, repeated: fresh }, '/new-password')).session).toBeDefined()
  })

  test('gets no further by a reset code alone', async () => {
    const { code } = (await edge.run('user.resetCode', { name: 'cid' })) as { code: string }
    const person = visitor()
    await person.open()
    expect(await person.submit({ username: 'cid', password: code })).toMatchObject({
      ...{ title: 'Second factor', session: undefined },
    })
    expect((await person.submit({ password: 'x', repeated: 'x' }, '/new-password')).status).toBe(403)
  })
})

describe('a code', () => {
  let secret: Buffer
  let recovery: string[]
  beforeAll(async () => {
    await addUser('dan')
    const set = await enrol('dan')
    secret = set.secret
    recovery = set.recovery
  })

  test('is good once, also the one it was set up with, and one step early or late', async () => {
    const { type } = await atCode('dan')
    expect((await type(codeAt(secret, now()))).status).toBe(401)
    wait()
    wait()
    const early = codeAt(secret, now() - 30_000)
    expect((await type(early)).status).toBe(303)
    const { type: again } = await atCode('dan')
    expect((await again(early)).status).toBe(401)
    const late = codeAt(secret, now() + 30_000)
    expect((await again(late)).status).toBe(303)
    wait()
    const { type: third } = await atCode('dan')
    expect((await third(codeAt(secret, now() - 30_000))).status).toBe(401) // before one that was used
    for (let n = 0; n < 3; n++) wait()
    expect((await third(codeAt(secret, now() + 90_000))).status).toBe(401) // too early
  })

  test('may be a recovery code, once for each', async () => {
    const { type } = await atCode('dan')
    const [first, second] = recovery as [string, string]
    expect((await type(first.toUpperCase().replaceAll('-', ' '))).status).toBe(303)
    const { type: again, person } = await atCode('dan')
    expect((await again(first)).status).toBe(401)
    expect((await person.submit({ recovery: second }, '/code')).status).toBe(303)
    const { entries } = (await edge.run('audit.list', { type: 'second_factor_changed', user: 'dan' })) as {
      entries: { reason: string }[]
    }
    expect(entries.map(({ reason }) => reason)).toEqual([
      'recovery_code_used',
      'recovery_code_used',
      'set_up',
    ])
  })

  test('opens nothing by a ticket that is old, another’s, or from before a change of the user', async () => {
    wait()
    const { type, person } = await atCode('dan')
    edge.passTime(5 * 60_000)
    aheadMs += 5 * 60_000
    expect((await type(codeAt(secret, now()))).status).toBe(403)
    expect((await person.submit({ ticket: 'x', code: codeAt(secret, now()) }, '/code')).status).toBe(403)
    const { type: later } = await atCode('dan')
    await edge.run('user.set', { name: 'dan', roles: ['Viewer'] })
    expect((await later(codeAt(secret, now()))).status).toBe(403)
    const { type: last } = await atCode('dan')
    await edge.run('session.end', { all: true })
    expect((await last(codeAt(secret, now()))).status).toBe(403)
  })

  test('is not asked for under another’s name', async () => {
    wait()
    const { person } = await atCode('dan')
    await addUser('eve')
    const other = await enrol('eve')
    wait()
    expect((await person.submit({ code: codeAt(other.secret, now()) }, '/code')).status).toBe(401)
  })
})

test('programs send the code with the password, and learn of it only by a right one', async () => {
  await addUser('fay')
  expect((await direct('fay')).json()).toMatchObject({ status: 403, code: 'totp_enrolment_required' })
  const { secret } = await enrol('fay')
  wait()
  const wrongPassword = await direct('fay', { password: 'wrong password' })
  expect(wrongPassword.json()).toMatchObject({ status: 401, code: 'sign_in_refused' })
  expect((await direct('fay')).json()).toMatchObject({ status: 401, code: 'totp_required' })
  const wrong = await direct('fay', { totp: wrongCode(secret, now()) })
  expect(wrong.text).toBe(wrongPassword.text)
  const good = codeAt(secret, now())
  expect((await direct('fay', { totp: good })).json()).toHaveProperty('access_token')
  expect((await direct('fay', { totp: good })).text).toBe(wrongPassword.text)
})

test('who wants a second factor gets one after typing the password again', async () => {
  await edge.addUser('gil', 'Operator')
  const cookie = `access_token=${await edge.signIn('gil')}`
  const page = await edge.ask('/device/edge/auth/login', { headers: { cookie } })
  expect(page.text).toContain('href="/device/edge/auth/login?setup=1"')
  const { secret } = await enrol('gil', '?setup=1')
  wait()
  const { type } = await atCode('gil')
  expect((await type(codeAt(secret, now()))).status).toBe(303)
})

test('by the proven time, where the box’s clock is wrong', async () => {
  await using box = await startEdgeAuth({}, undefined, { correctedNow: () => Date.now() })
  await box.run('option.set', { category: 'two-factor', key: 'strategy', value: 'totp' })
  await box.run('user.add', { name: 'ann', roles: ['Admin'], password, totpRequired: true })
  box.stepClock(-365 * 86_400_000)
  const person = createVisitor(async (path, question) => {
    const answer = await box.ask(path, question)
    return { ...answer, setCookies: answer.headers['set-cookie'] ?? [] }
  })
  await person.open()
  const secret = scan((await person.submit({ username: 'ann', password })).text)
  expect((await person.submit({ code: codeAt(secret, Date.now()) }, '/second-factor')).session).toBeDefined()
})
