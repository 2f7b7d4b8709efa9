import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { password } from '../../test/edge-auth.ts'
import { codeAt, wrongCode } from '../../test/second-factor.ts'
import { openSignInBox } from '../../test/sign-in-box.ts'

let box: Awaited<ReturnType<typeof openSignInBox>>
beforeEach(async () => {
  box = await openSignInBox()
})
afterEach(() => box[Symbol.asyncDispose]())

describe('second factors', () => {
  beforeEach(() => box.set('two-factor', 'strategy', 'totp'))

  test('go with the strategy that they belong to, and so do all sessions, after a power cut too', async () => {
    await box.enrol('root')
    expect(await box.factors()).toEqual(['root'])
    await box.set('two-factor', 'strategy', 'off')
    expect(await box.factors()).toEqual([])
    expect(await box.sessions('root')).toEqual([])
    await box.set('two-factor', 'strategy', 'totp')
    await box.enrol('root')
    // As a power cut leaves it: the option is on disk, what follows from it is not.
    await box.edge.inDatabase((db) => db.prepare(`DELETE FROM option WHERE key = 'strategy'`).run())
    expect(await box.factors()).toEqual([])
    expect(await box.sessions('root')).toEqual([])
  })

  test('are asked of everybody once they are enforced, also of who was signed in', async () => {
    expect(await box.direct('root')).toBe('in')
    await box.set('two-factor', 'enforced', 'true')
    expect(await box.sessions('root')).toEqual([])
    expect(await box.direct('root')).toBe('totp_enrolment_required')
    await box.set('two-factor', 'enforced', 'false')
    expect(await box.direct('root')).toBe('in')
    // As a power cut leaves it: the option is on disk, what follows from it is not.
    await box.edge.inDatabase((db) =>
      db.prepare(`UPDATE option SET value = 'true' WHERE key = 'enforced'`).run(),
    )
    expect(await box.sessions('root')).toEqual([])
    expect(await box.direct('root')).toBe('totp_enrolment_required')
    await box.set('two-factor', 'strategy', 'off')
    expect(await box.direct('root')).toBe('in')
  })

  test('are taken away by who administers the user, never by the user, and with his sessions', async () => {
    await box.edge.run('user.add', { name: 'chief', roles: ['UserManager'], password })
    await box.edge.run('user.add', { name: 'ann', roles: ['UserManager'], password }, { user: 'chief' })
    for (const name of ['root', 'chief', 'ann']) await box.enrol(name)
    const revoke = (name: string, user?: string) =>
      box.edge.run('totp.revoke', { name }, user ? { user } : undefined)
    await expect(revoke('root', 'chief')).rejects.toMatchObject({ code: 'above_own' })
    for (const user of ['root', 'chief', 'ann'])
      await expect(revoke(user, user)).rejects.toMatchObject({ code: 'own_second_factor' })
    await revoke('ann', 'chief')
    expect(await box.sessions('ann')).toEqual([])
    await expect(revoke('ann', 'chief')).rejects.toMatchObject({ code: 'not_found' })
    await revoke('root')
    expect(await box.factors()).toEqual(['chief'])
    expect(await box.direct('ann')).toBe('in')
  })

  test('make no room for guesses: wrong codes lock as wrong passwords do, and right passwords do not help', async () => {
    const secret = await box.enrol('root')
    const wrong = wrongCode(secret, Date.now())
    for (let n = 0; n < 5; n++) {
      expect(await box.direct('root')).toBe('totp_required')
      expect(await box.direct('root', { totp: wrong })).toBe('sign_in_refused')
    }
    box.edge.stepClock(30_000)
    const good = codeAt(secret, Date.now() + 30_000)
    expect(await box.direct('root', { totp: good })).toBe('too_many_attempts')
    const person = box.visitor()
    await person.open()
    expect((await person.submit({ username: 'root', password })).status).toBe(429)
    await box.edge.restart()
    expect(await box.direct('root', { totp: good })).toBe('too_many_attempts')
  })
})
