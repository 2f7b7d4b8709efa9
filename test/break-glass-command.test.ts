import { expect, test } from 'vitest'
import { password } from './edge-auth.ts'
import { edgeward, startGateway, tempDir } from './harness.ts'
import { createVisitor } from './second-factor.ts'

test('who holds the machine lets an Admin in by commands, whether the daemon runs or not', async () => {
  await using dir = await tempDir()
  const command = async (...words: string[]) => {
    const { code, stdout, stderr } = await edgeward([...words, '--state-dir', dir.path, '--json'])
    return { code, said: stdout + stderr, result: code === 0 ? JSON.parse(stdout) : undefined }
  }
  const add = ['user', 'add', 'ada', '--role', 'Admin', '--password-stdin', '--state-dir', dir.path]
  expect((await edgeward(add, { input: password })).code).toBe(0)
  const stopped = (await command('break-glass', 'ada')).result as { code: string }

  const gateway = await startGateway(dir.path)
  const enter = async (username: string, typed: string) => {
    const person = createVisitor(async (path, question) => {
      const answer = await fetch(gateway.addresses.auth + path, { ...question, redirect: 'manual' })
      const { status, headers } = answer
      return { status, text: await answer.text(), headers: {}, setCookies: headers.getSetCookie() }
    })
    await person.open('?local=1')
    return person.submit({ username, password: typed })
  }
  try {
    await command('option', 'set', 'two-factor', 'strategy', 'totp')
    await command('option', 'set', 'two-factor', 'enforced', 'true')
    expect(await enter('ada', password)).toMatchObject({
      title: 'Set up a second factor',
      session: undefined,
    })
    expect((await enter('ada', stopped.code)).session).toBeDefined()
    expect((await enter('ada', stopped.code)).status).toBe(401)
    const running = (await command('break-glass', 'ada')).result as { code: string }
    expect((await enter('ada', running.code)).session).toBeDefined()
    expect((await command('break-glass', 'nobody')).code).toBe(1)
    expect((await command('login-settings')).result).toMatchObject({ twoFactorStrategy: 'totp' })
    expect((await command('totp', 'list')).result).toEqual([])
    expect((await command('totp', 'revoke', 'ada')).said).toContain('ada has no second factor')
  } finally {
    await gateway.stop()
  }
})
