import { expect, test } from 'vitest'
import { password } from './edge-auth.ts'
import { edgeward, startGateway, tempDir } from './harness.ts'

test('what was done to users is told by the audit, to people and to programs', async () => {
  await using dir = await tempDir()
  const run = (...args: string[]) => edgeward([...args, '--state-dir', dir.path], { input: `${password}\n` })
  expect((await run('user', 'add', 'ada', '--role', 'Admin', '--password-stdin')).code).toBe(0)
  expect((await run('user', 'passwd', 'ada', '--password-stdin', '--must-change')).code).toBe(0)
  expect((await run('user', 'list')).stdout).toContain('enabled, must change password')
  expect(await run('user', 'unlock', 'ada')).toMatchObject({ code: 0, stdout: 'user ada unlocked\n' })

  const told = await run('audit', '--user', 'ada', '--json')
  const entries = told.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(entries).toMatchObject([
    { type: 'user_changed', user: 'ada', reason: 'unlocked' },
    { type: 'user_changed', user: 'ada', reason: 'password_changed' },
    { type: 'user_added', user: 'ada', detail: { roles: ['Admin'] }, deviceTime: expect.any(Number) },
  ])
  expect(told.stdout + told.stderr).not.toContain(password)

  const table = (await run('audit', '--type', 'user_added', '--limit', '1')).stdout
  expect(table).toMatch(/^TIME +EVENT +USER OR APP +ADDRESS +REASON\n\S+ \S+ UTC +user_added +ada +- +-\n$/)
  expect(await run('audit', '--since', 'yesterday')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--since yesterday is not a time'),
  })
})

test('rules of retention and mappings of alarms are kept by commands', async () => {
  await using dir = await tempDir()
  await using _gateway = await startGateway(dir.path)
  const run = (...args: string[]) => edgeward([...args, '--state-dir', dir.path])
  expect(await run('retention', 'add', '--data', 'EVENT', '--days', '7')).toMatchObject({
    ...{ code: 0, stdout: 'rule 2 added\n' },
  })
  expect(await run('retention', 'add', '--data', 'EVENT', '--days', 'many')).toMatchObject({ code: 2 })
  expect((await run('retention', 'list')).stdout).toMatch(/\n1 +\* .* 60\n2 +EVENT +\* +\* +\* +7\n$/)
  expect(await run('alarm', 'mapping', 'set', 'source_dead', '--severity', 'MINOR')).toMatchObject({
    code: 0,
  })
  expect((await run('alarm', 'mapping', 'list')).stdout).toMatch(/\nsource_dead +MINOR +-\n$/)
  expect(await run('alarm', 'ack', '7')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no alarm 7'),
  })
  expect(await run('event', 'list')).toMatchObject({
    stdout: expect.stringMatching(/^TIME +EVENT .*\n.*UTC +started +device +edgeward /),
  })
})
