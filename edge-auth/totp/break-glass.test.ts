import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { password } from '../../test/edge-auth.ts'
import { openSignInBox } from '../../test/sign-in-box.ts'

let box: Awaited<ReturnType<typeof openSignInBox>>
beforeEach(async () => {
  box = await openSignInBox()
})
afterEach(() => box[Symbol.asyncDispose]())

const audited = async (type: string) => {
  const { entries } = (await box.edge.run('audit.list', { type })) as { entries: Record<string, unknown>[] }
  return entries.map(({ user, reason }) => [user, reason])
}

describe('break glass', () => {
  const make = async (name = 'root') =>
    ((await box.edge.run('breakGlass.make', { name })) as { code: string }).code
  const use = async (username: string, code: string) => {
    const person = box.visitor()
    await person.open('?local=1')
    return person.submit({ username, password: code })
  }

  test('lets in who has lost everything, once, also when locked out, and says so', async () => {
    await box.set('two-factor', 'strategy', 'totp')
    await box.enrol('root')
    await box.edge.run('user.passwd', { name: 'root', password, mustChange: true })
    for (let n = 0; n < 5; n++) await box.direct('root', { password: 'wrong password' })
    const code = await make()
    await box.edge.restart()
    expect((await use('root', code)).session).toBeDefined()
    expect((await use('root', code)).status).toBe(429)
    expect(await audited('break_glass')).toEqual([
      ['root', 'used'],
      ['root', 'made'],
    ])
    expect((await audited('login'))[0]).toEqual(['root', undefined])
  })

  test('is for enabled Admins, by the machine alone', async () => {
    await box.edge.addUser('ann', 'UserManager')
    await box.edge.addUser('bob', 'Admin')
    await box.edge.run('user.disable', { name: 'bob' })
    for (const name of ['ann', 'bob']) await expect(make(name)).rejects.toMatchObject({ code: 'no_admin' })
    await expect(box.edge.run('breakGlass.make', { name: 'root' }, { user: 'root' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    const code = await make()
    expect((await use('ann', code)).status).toBe(401)
    await box.edge.run('user.enable', { name: 'bob' })
    await box.edge.run('user.set', { name: 'root', roles: ['Viewer'] })
    expect((await use('root', code)).status).toBe(401)
  })

  test('is over after 15 minutes, and with the next code', async () => {
    const [before, code] = [await make(), await make()]
    expect((await use('root', before)).status).toBe(401)
    box.edge.passTime(15 * 60_000)
    expect((await use('root', code)).status).toBe(401)
  })

  test('keeps an alarm until it is over', async () => {
    await box[Symbol.asyncDispose]()
    const standing = new Map<string, string>()
    const alarms = {
      ...{ all: () => [], events: () => [], map: () => {} },
      acknowledge: () => Promise.reject(new Error('nobody does')),
      raise: (code: string, message: string) => void standing.set(code, message),
      clear: (code: string) => void standing.delete(code),
    }
    box = await openSignInBox({ alarms })
    const code = await make()
    expect(standing.get('break_glass')).toContain('code for root is open')
    await use('root', code)
    expect(standing.get('break_glass')).toContain('root is signed in')
    await box.edge.restart()
    await expect.poll(() => standing.get('break_glass')).toContain('root is signed in')
    await box.edge.run('session.end', { user: 'root' })
    await box.edge.restart()
    await expect.poll(() => [...standing.keys()]).not.toContain('break_glass')
  })
})
