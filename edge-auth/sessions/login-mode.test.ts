import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { password } from '../../test/edge-auth.ts'
import { openSignInBox } from '../../test/sign-in-box.ts'

let box: Awaited<ReturnType<typeof openSignInBox>>
beforeEach(async () => {
  box = await openSignInBox()
})
afterEach(() => box[Symbol.asyncDispose]())

describe('the mode', () => {
  const provider = {
    ...{ name: 'plant', issuer: 'https://id.plant.example', clientId: 'edgeward', secret: 'secret' },
  }
  const submit = async (fields: Record<string, string>, query = '') => {
    const person = box.visitor()
    await person.open(query)
    return person.submit(fields)
  }

  test('signs out who changes it, and nobody else', async () => {
    await box.edge.addUser('ann', 'Admin')
    await box.edge.signIn('root')
    await box.edge.signIn('ann')
    await box.set('login', 'mode', 'Basic', { user: 'ann' })
    expect([await box.sessions('ann'), (await box.sessions('root')).length]).toEqual([[], 1])
  })

  test('SSO needs somewhere else to sign in', async () => {
    await expect(box.set('login', 'mode', 'SSO')).rejects.toMatchObject({ code: 'no_provider' })
  })

  test('SSO leads there and takes no password, but a break-glass code, whatever else is asked for', async () => {
    await box.edge.run('sso.put', provider)
    await box.set('two-factor', 'strategy', 'totp')
    await box.set('two-factor', 'enforced', 'true')
    await box.set('login', 'mode', 'SSO')
    const page = await box.edge.ask('/device/edge/auth/login?rd=%2Fpress%2F')
    expect([page.status, page.headers.location]).toEqual([302, '/device/edge/auth/sso/start?rd=%2Fpress%2F'])
    expect((await submit({ username: 'root', password }, '?local=1')).status).toBe(401)
    expect(await box.direct('root')).toBe('sso_only')

    const { code } = (await box.edge.run('breakGlass.make', { name: 'root' })) as { code: string }
    expect(await submit({ username: 'root', password: code }, '?local=1')).toMatchObject({
      ...{ status: 303, session: expect.any(String) },
    })
    expect((await submit({ username: 'root', password: code }, '?local=1')).status).toBe(401)
    await box.edge.run('sso.remove', { name: 'plant' })
    expect((await box.edge.ask('/device/edge/auth/login')).status).toBe(200)
  })
})
