import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { password } from '../../test/edge-auth.ts'
import { openSignInBox } from '../../test/sign-in-box.ts'

let box: Awaited<ReturnType<typeof openSignInBox>>
beforeEach(async () => {
  box = await openSignInBox()
})
afterEach(() => box[Symbol.asyncDispose]())

describe('Basic', () => {
  const ask = (typed = password, more: Record<string, string> = {}, name = 'root') =>
    box.edge.ask('/device/edge/auth/verify', {
      via: 'proxy',
      headers: {
        authorization: `Basic ${Buffer.from(`${name}:${typed}`).toString('base64')}`,
        'x-original-uri': '/press/',
        'x-forwarded-for': '127.0.0.1',
        'user-agent': 'curl/8',
        ...more,
      },
    })
  const status = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status
  const browser = { 'user-agent': 'Mozilla/5.0 (X11) Firefox/140' }

  test('is open to programs where it is on, by option or by mode, with the user’s name and roles', async () => {
    expect(await status()).toBe(401)
    await box.set('login', 'basic', 'on')
    const answer = await ask()
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({ 'x-auth-user': 'root', 'x-auth-roles': 'Admin' })
    expect(answer.headers).not.toHaveProperty('authorization')
    const stranger = await ask('wrong password')
    expect(stranger.status).toBe(401)
    expect(stranger.headers['www-authenticate']).toContain('Basic')
    await box.set('login', 'basic', 'off')
    expect(await status()).toBe(401)
    await box.set('login', 'mode', 'Basic')
    expect(await status()).toBe(200)
    expect(await box.sessions('root')).toEqual([])
  })

  test('ends with the password, the user and the second factor, although it was good a moment ago', async () => {
    await box.set('login', 'basic', 'on')
    await box.edge.addUser('ann', 'Viewer')
    expect(await status(password, {}, 'ann')).toBe(200)
    await box.edge.run('user.disable', { name: 'ann' })
    expect(await status(password, {}, 'ann')).toBe(401)
    await box.edge.run('user.enable', { name: 'ann' })
    expect(await status(password, {}, 'ann')).toBe(200)
    await box.edge.run('user.passwd', { name: 'ann', password: 'another good password' })
    expect(await status(password, {}, 'ann')).toBe(401)
    expect(await status()).toBe(200)
    await box.set('two-factor', 'strategy', 'totp')
    expect(await status()).toBe(200)
    await box.enrol('root')
    expect(await status()).toBe(401)
  })

  test('is slowed as every other way in is, for one program with a thousand wrong passwords', async () => {
    await box.set('login', 'basic', 'on')
    for (let n = 0; n < 5; n++) expect(await status(`wrong password ${n}`)).toBe(401)
    expect(await status()).toBe(401)
    expect(await box.direct('root')).toBe('too_many_attempts')
  })

  test('asked many times at once is one password', async () => {
    await box.set('login', 'basic', 'on')
    expect(new Set(await Promise.all(Array.from({ length: 60 }, () => status())))).toEqual(new Set([200]))
    const { entries } = (await box.edge.run('audit.list', { type: 'login' })) as { entries: object[] }
    expect(entries).toMatchObject([{ user: 'root', detail: { method: 'basic' } }])
  })

  test('is closed to browsers and to programs on the list, and open to those that are trusted', async () => {
    await box.set('login', 'basic', 'on')
    expect(await status(password, browser)).toBe(200)
    await box.set('login', 'basic.browsers', 'forbidden')
    expect(await status(password, browser)).toBe(401)
    expect((await ask(password, browser)).headers).not.toHaveProperty('www-authenticate')
    expect(await status(password, { 'sec-fetch-mode': 'navigate' })).toBe(401)
    await box.set('login', 'basic.trusted.user.agents', 'PlantTool, firefox/140')
    expect(await status(password, browser)).toBe(200)
    await box.set('login', 'basic.forbidden.user.agents', 'curl')
    expect(await status()).toBe(401)
  })
})
