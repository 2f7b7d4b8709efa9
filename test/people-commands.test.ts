import { afterAll, beforeAll, expect, test } from 'vitest'
import { edgeward, startGateway, tempDir } from './harness.ts'

let dir: Awaited<ReturnType<typeof tempDir>>
beforeAll(async () => {
  dir = await tempDir()
})
afterAll(() => dir[Symbol.asyncDispose]())

const run = (...words: string[]) => edgeward([...words, '--state-dir', dir.path])
const json = async (...words: string[]) => {
  const { stdout, code } = await run(...words, '--json')
  return { code, result: JSON.parse(stdout) }
}

test('roles, groups and users are made while nothing runs, and are there for the daemon', async () => {
  expect(await run('user', 'add', 'ada', '--role', 'Admin')).toMatchObject({ code: 0 })
  const add = ['role', 'add', 'Shift', '--description', 'Of a shift.']
  expect(
    await run(...add, '--permission', 'Alarms=READ,UPDATE', '--permission', 'OwnUser=read'),
  ).toMatchObject({
    ...{ code: 0, stdout: 'role Shift added\n' },
  })
  expect(await run('group', 'add', 'hall', 'press', 'saw')).toMatchObject({ code: 0 })
  const added = await run(
    ...[
      'user',
      'add',
      'bob',
      '--role',
      'Shift',
      '--scoped-role',
      'hall=Operator,Viewer',
      '--alias',
      'robert',
    ],
    ...['--email', 'bob@plant.example', '--apps', 'press,saw', '--totp-required', '--reset-code'],
  )
  expect(added.stdout).toMatch(/^user bob added with Shift\ncode \(shown once\): [0-9a-f-]{24}\n/)

  await using gateway = await startGateway(dir.path)
  const { result } = await json('user', 'show', 'bob')
  expect(result).toMatchObject({
    ...{
      alias: 'robert',
      roles: ['Shift'],
      scopedRoles: { hall: ['Operator', 'Viewer'] },
      apps: ['press', 'saw'],
    },
    ...{ profile: { email: 'bob@plant.example' }, totpRequired: true },
    permissions: { Alarms: ['READ', 'UPDATE'], OwnUser: ['READ'] },
  })
  const cleared = ['--alias', '', '--email', '', '--apps', '*', '--no-totp-required', '--copy-roles', 'ada']
  expect(await run('user', 'set', 'bob', ...cleared, '--replace')).toMatchObject({ code: 0 })
  expect((await run('user', 'show', 'bob')).stdout).toMatch(/^roles +Admin$/m)
  expect(await gateway.operate('user.show', { name: 'bob' })).toMatchObject({
    ...{ alias: null, profile: {}, apps: null, totpRequired: false, scopedRoles: {} },
  })
  expect(await run('role', 'set', 'Shift', '--no-permissions')).toMatchObject({ code: 0 })
  expect((await run('role', 'show', 'Shift')).stdout).toMatch(/^permissions +none$/m)
  expect((await run('role', 'list')).stdout).toMatch(/^Shift +this box +Of a shift\.$/m)
  expect((await run('group', 'set', 'hall', 'oven')).stdout).toBe('group hall: oven\n')
  expect((await run('group', 'list')).stdout).toContain('oven')
  expect((await run('group', 'remove', 'hall')).code).toBe(0)
  expect(await gateway.operate('appGroup.list')).toEqual([])
})

test('what makes no sense is refused with what to do', async () => {
  for (const words of [
    ['role', 'add', 'Odd', '--permission', 'Alarms'],
    ['user', 'set', 'bob'],
    ['user', 'set', 'bob', '--scoped-role', 'hall'],
    ['service-access', 'open', '--role', 'Viewer', '--hours', '25'],
  ])
    expect([words, (await run(...words)).code]).toEqual([words, 2])
  const { stderr } = await run('user', 'set', 'bob', '--role', 'Nobody')
  expect(stderr).toMatch(/there is no role Nobody\n +Roles are Admin, /)
})

test('an alarm stands while service access is open, also after a restart', async () => {
  interface Status {
    alarms: { code: string; message: string }[]
  }
  const alarms = async (gateway: Awaited<ReturnType<typeof startGateway>>) =>
    (await gateway.operate<Status>('agent.status')).alarms.filter(
      ({ code }) => code === 'service_access_open',
    )

  const opened = await json('service-access', 'open', '--role', 'Operator', '--hours', '3')
  const { name, password } = opened.result as { name: string; password: string }
  expect(password).toBeDefined()
  await using gateway = await startGateway(dir.path)
  await expect.poll(() => alarms(gateway)).toMatchObject([{ message: expect.stringContaining(name) }])
  expect((await run('service-access', 'list')).stdout).toContain(name)
  expect((await run('user', 'list')).stdout).toMatch(new RegExp(`^${name} +Operator +until `, 'm'))
  expect(await run('service-access', 'close', name)).toMatchObject({ code: 0 })
  expect(await alarms(gateway)).toEqual([])
  expect((await run('service-access', 'list')).stdout).toBe('no service access is open\n')
})
