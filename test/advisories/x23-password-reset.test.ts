import { afterAll, beforeAll, expect, test } from 'vitest'
import { loginPath } from '../edge-auth.ts'
import { type Box, openBox, password } from './boxed.ts'

/*
 * X23: a password is reset by the command line or an administrator, never by who knows a user's name. The
 * one thing that a person may do is to replace a password that must be changed, just after proving it.
 */

let box: Box
beforeAll(async () => {
  box = await openBox({ proxied: false })
})
afterAll(() => box[Symbol.asyncDispose]())

const form = (fields: Record<string, string>, cookie = '') => ({
  method: 'POST',
  headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
})
const newPasswordPath = `${loginPath}/new-password`

test('X23: there is no page and no route that resets a password by a name', async () => {
  expect((await box.ask(loginPath)).text).not.toMatch(/forgot|reset|vergessen/i)
  for (const name of ['reset', 'forgot', 'forgot-password', 'reset-password', 'passwordReset', 'recover'])
    for (const path of [`/device/edge/auth/${name}`, `${loginPath}/${name}`, `/api/v1/${name}`, `/${name}`])
      for (const ask of [box.ask, box.askAdmin]) {
        expect([path, (await ask(path, form({ username: 'ann' }))).status]).toEqual([path, 404])
        expect([path, (await ask(path)).status]).toEqual([path, 404])
      }
})

test('X23: without the old password nothing replaces it, and a ticket is good once and for its user', async () => {
  await box.gateway.operate('user.add', { name: 'eve', roles: ['Viewer'], password, mustChange: true })
  const page = await box.ask(loginPath)
  const form_token = /name="form_token" value="([^"]*)"/.exec(page.text)?.[1] as string
  const cookie = `edgeward_login=${form_token}`
  const chosen = { form_token, password: 'attackers choice', repeated: 'attackers choice' }
  for (const ticket of ['', 'eve', form_token, 'x'.repeat(43)])
    expect(
      (await box.ask(newPasswordPath, form({ ...chosen, ticket, username: 'eve' }, cookie))).status,
    ).toBe(403)

  const asked = await box.ask(loginPath, form({ form_token, username: 'eve', password }, cookie))
  const ticket = /name="ticket" value="([^"]*)"/.exec(asked.text)?.[1] as string
  const own = { form_token, password: 'her own choice', repeated: 'her own choice', ticket }
  // Whose password it is says the ticket alone.
  expect((await box.ask(newPasswordPath, form({ ...own, username: 'ada' }, cookie))).status).toBe(303)
  expect((await box.ask(newPasswordPath, form({ ...chosen, ticket }, cookie))).status).toBe(403)
  expect(await box.token('ada')).toBeDefined()
  const [reset] = await box.audit('user_changed')
  expect(reset).toMatchObject({ user: 'eve', reason: 'password_changed' })
})

test('X23: a code of the command line replaces the password once, for its user, and on the page alone', async () => {
  await box.gateway.operate('user.add', { name: 'rex', roles: ['Viewer'], password })
  const { code } = await box.gateway.operate<{ code: string }>('user.resetCode', { name: 'rex' })
  const page = await box.ask(loginPath)
  const form_token = /name="form_token" value="([^"]*)"/.exec(page.text)?.[1] as string
  const cookie = `edgeward_login=${form_token}`
  const ticketFor = async (username: string) =>
    /name="ticket" value="([^"]*)"/.exec(
      (await box.ask(loginPath, form({ form_token, username, password: code }, cookie))).text,
    )?.[1]

  const json = { 'content-type': 'application/json' }
  const body = JSON.stringify({ username: 'rex', password: code })
  for (const answer of [
    await box.ask('/device/edge/api/v1/login/direct', { method: 'POST', headers: json, body }),
    await box.askAdmin('/api/v1/session', { method: 'POST', headers: json, body }),
  ])
    expect(answer.status).toBe(401)
  expect(await ticketFor('ann')).toBeUndefined()

  const tickets = await Promise.all([ticketFor('rex'), ticketFor('rex'), ticketFor('rex')])
  const [ticket, ...others] = tickets.filter((one) => one !== undefined)
  expect(others).toEqual([])
  const chosen = {
    form_token,
    password: 'his own choice',
    repeated: 'his own choice',
    ticket: ticket as string,
  }
  expect((await box.ask(newPasswordPath, form(chosen, cookie))).status).toBe(303)
  expect(await ticketFor('rex')).toBeUndefined()
  expect(JSON.stringify(await box.audit('user_changed'))).not.toContain(code)
})
