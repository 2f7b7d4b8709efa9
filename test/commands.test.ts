import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  agentStatus,
  type CommandResult,
  createAgent,
  edgeward,
  eventually,
  runProgram,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

const json = ({ stdout }: CommandResult) => JSON.parse(stdout.trim().split('\n').at(-1) as string)

test('an unknown configuration key ends with 2, naming file, line and the nearest key', async () => {
  await using dir = await tempDir()
  const file = join(dir.path, 'edgeward.toml')
  await writeFile(file, '[log]\nlevel = "warn"\n\n[broker]\nlistn = "127.0.0.1:1883"\n')
  const { code, stderr } = await edgeward(['run', '--config', file, '--state-dir', join(dir.path, 'state')])
  expect(code).toBe(2)
  expect(stderr).toContain(`${file}:5: unknown key broker.listn; did you mean broker.listen?`)
  const variable = await edgeward(['config', 'check'], { env: { EDGEWARD_AUTH_LISTN: 'x' } })
  expect(variable.code).toBe(2)
  expect(variable.stderr).toContain('did you mean EDGEWARD_AUTH_LISTEN?')
})

test('a taken port ends with 2, naming the address and the setting', async () => {
  await using dir = await tempDir()
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  const env = {
    EDGEWARD_AUTH_LISTEN: '127.0.0.1:0',
    EDGEWARD_ADMIN_LISTEN: '127.0.0.1:0',
    EDGEWARD_BROKER_LISTEN: '127.0.0.1:0',
  }
  for (const setting of ['auth', 'admin', 'broker']) {
    const listen = { [`EDGEWARD_${setting.toUpperCase()}_LISTEN`]: `127.0.0.1:${port}` }
    const { code, stderr } = await edgeward(['run', '--state-dir', join(dir.path, 'box')], {
      env: { ...env, ...listen },
    })
    expect(code, stderr).toBe(2)
    expect(stderr).toContain(`127.0.0.1:${port}`)
    expect(stderr).toContain(`${setting}.listen`)
  }
  taken.close()
})

test('wrong usage ends with 2, an unboarded box asked for a token with 3', async () => {
  await using dir = await tempDir()
  expect((await edgeward(['user', 'add'])).code).toBe(2)
  expect((await edgeward(['no-such-command'])).code).toBe(2)
  const token = await edgeward(['token', '--state-dir', dir.path])
  expect(token.code).toBe(3)
  expect(token.stderr).toContain('onboard')
})

test('users and apps are administered with the daemon stopped and running alike', async () => {
  await using dir = await tempDir()
  const state = ['--state-dir', dir.path, '--json']
  const first = json(await edgeward(['user', 'add', 'ada', '--role', 'Admin', ...state]))
  expect(first).toMatchObject({ name: 'ada', roles: ['Admin'], password: expect.stringMatching(/.{12,}/) })
  {
    await using _gateway = await startGateway(dir.path)
    const second = await edgeward(['user', 'add', 'bob', '--role', 'Viewer', '--password-stdin', ...state], {
      input: 'a long enough password\n',
    })
    expect(second.code, second.stderr).toBe(0)
    expect(json(second)).not.toHaveProperty('password')
    const app = json(await edgeward(['app', 'add', 'press', '--version', '1.0.0', ...state]))
    expect(Object.keys(app)).toEqual(['client_id', 'client_secret'])
    const again = await edgeward(['app', 'add', 'press', '--version', '1.0.0', ...state])
    expect(again.code).toBe(1)
  }
  const users = json(await edgeward(['user', 'list', ...state])) as { name: string }[]
  expect(users.map(({ name }) => name).sort()).toEqual(['ada', 'bob'])
  const last = await edgeward(['user', 'remove', 'ada', ...state])
  expect(last.code).not.toBe(0)
  expect(last.stderr).toMatch(/last/i)
})

test('the hub is administered while stopped and running, and prints secrets once', async () => {
  await using dir = await tempDir()
  const state = ['--state-dir', dir.path]
  const env = { EDGEWARD_HUB_PUBLIC_URL: 'https://hub.example.org' }
  const made = json(await edgeward(['hub', 'init', '--json', ...state], { env }))
  expect(made).toMatchObject({
    tenant: expect.any(String),
    client_id: expect.any(String),
    client_secret: expect.any(String),
  })
  expect((await edgeward(['hub', 'init', ...state], { env })).code).toBe(1)

  const out = join(dir.path, 'boarding.json')
  const args = ['--name', 'press-07', '--profile', 'SHARED_SECRET', '--out', out]
  const stopped = await edgeward(['hub', 'agent', 'create', ...args, ...state], { env })
  expect(stopped.code, stopped.stderr).toBe(0)
  const boarding = JSON.parse(await readFile(out, 'utf8'))
  expect(boarding.content).toMatchObject({
    baseUrl: 'https://hub.example.org',
    clientCredentialProfile: ['SHARED_SECRET'],
    clientId: expect.stringMatching(/^[0-9a-f]{32}$/),
  })

  await using _hub = await startHub(dir.path, env)
  const running = await edgeward(['hub', 'agent', 'create', '--name', 'press-08', ...state])
  expect(JSON.parse(running.stdout).content.clientCredentialProfile).toEqual(['RSA_3072'])
  const same = await edgeward(['hub', 'agent', 'create', '--name', 'press-08', ...state])
  expect(same.code).toBe(1)
  const list = json(await edgeward(['hub', 'agent', 'list', '--json', ...state])) as { name: string }[]
  expect(list.map(({ name }) => name).sort()).toEqual(['press-07', 'press-08'])
})

test('onboard works with the daemon stopped, says what it keeps, and pipes from the hub', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(join(dir.path, 'hub'))
  await hub.operate('init')
  const box = ['--state-dir', join(dir.path, 'box')]
  const created = await edgeward([
    'hub',
    'agent',
    'create',
    '--name',
    'a',
    '--state-dir',
    join(dir.path, 'hub'),
  ])
  const onboarded = await edgeward(['onboard', '-', '--json', ...box], { input: created.stdout })
  expect(onboarded.code, onboarded.stderr).toBe(0)
  expect(json(onboarded)).toMatchObject({ state: 'onboarded', kept: false })

  const again = await edgeward(['onboard', '-', '--json', ...box], { input: created.stdout })
  expect(again.code, again.stderr).toBe(0)
  expect(json(again)).toMatchObject({ state: 'onboarded', kept: true, reason: expect.any(String) })

  const rotated = json(await edgeward(['rotate', '--json', ...box]))
  expect(rotated.after).not.toBe(rotated.before)
  const token = await edgeward(['token', ...box])
  expect(token.stdout.trim().split('.')).toHaveLength(3)
})

/** Every file below a directory with the digest of its content. */
async function contents(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const digests = files.map(async (file) => [
    file,
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex'),
  ])
  return Object.fromEntries(await Promise.all(digests))
}

test('a bad boarding file is refused with the reason, and nothing on disk changes', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(join(dir.path, 'hub'))
  await using other = await startHub(join(dir.path, 'other'))
  await hub.operate('init')
  await other.operate('init')
  const { boarding } = await createAgent(hub, 'box')
  const elsewhere = await createAgent(other, 'box')
  const box = ['--state-dir', join(dir.path, 'box')]
  await edgeward(['status', ...box]) // makes the state directory
  const before = await contents(join(dir.path, 'box', 'identity'))

  const expired = structuredClone(boarding)
  const [header, , signature] = expired.content.iat.split('.')
  const claims = JSON.parse(Buffer.from(boarding.content.iat.split('.')[1] as string, 'base64url').toString())
  const past = Buffer.from(JSON.stringify({ ...claims, exp: 1_700_000_000 })).toString('base64url')
  expired.content.iat = [header, past, signature].join('.')
  const othersToken = { ...boarding, content: { ...boarding.content, iat: elsewhere.boarding.content.iat } }
  const othersHub = {
    ...boarding,
    content: { ...boarding.content, baseUrl: elsewhere.boarding.content.baseUrl },
  }
  const text = JSON.stringify(boarding)

  const cases: [name: string, input: string, code: number, said: RegExp][] = [
    ['truncated', text.slice(0, text.length / 2), 2, /JSON/],
    ['empty', '', 2, /empty/],
    [
      'without a client id',
      JSON.stringify({ ...boarding, content: { ...boarding.content, clientId: undefined } }),
      2,
      /clientId/,
    ],
    ['expired', JSON.stringify(expired), 4, /expired/],
    ['with the token of another agent', JSON.stringify(othersToken), 4, /./],
    ['sent to the hub of another tenant', JSON.stringify(othersHub), 4, /./],
  ]
  for (const [name, input, code, said] of cases) {
    const result = await edgeward(['onboard', ...box], { input })
    expect(result.code, `${name}: ${result.stderr}`).toBe(code)
    expect(result.stderr, name).toMatch(said)
    expect(await contents(join(dir.path, 'box', 'identity')), name).toEqual(before)
  }
  const good = await edgeward(['onboard', ...box], { input: text })
  expect(good.code, good.stderr).toBe(0)
})

test('a boarding file on a stick is shown, and taken by "onboard --confirm" alone', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(join(dir.path, 'hub'))
  await hub.operate('init')
  const { id, boarding } = await createAgent(hub, 'box', 'SHARED_SECRET')
  const path = join(dir.path, 'media', 'stick', 'edgeward-boarding.json')
  await mkdir(dirname(path), { recursive: true })
  await using gateway = await startGateway(join(dir.path, 'box'), {
    EDGEWARD_AGENT_STICK_DIR: join(dir.path, 'media'),
  })
  const box = ['--state-dir', join(dir.path, 'box')]
  const nothing = await edgeward(['onboard', '--confirm', ...box])
  expect(nothing.code).toBe(1)
  expect(nothing.stderr).toContain('agent.stick_dir')

  await writeFile(path, JSON.stringify(boarding))
  await eventually('the offer', async () => (await agentStatus(gateway)).identity.offer !== undefined)
  expect((await edgeward(['status', ...box])).stdout).toContain(`${path}: agent ${id} of tenant default`)
  for (const wrong of [[path], ['--replace']])
    expect((await edgeward(['onboard', '--confirm', ...wrong, ...box])).code).toBe(2)
  const confirmed = await edgeward(['onboard', '--confirm', '--json', ...box])
  expect(confirmed.code, confirmed.stderr).toBe(0)
  expect(json(confirmed)).toMatchObject({ state: 'onboarded', agentId: id, kept: false })
  expect((await edgeward(['status', ...box])).stdout).not.toContain('--confirm')
})

test('npx edgeward works from a checkout', async () => {
  const { code, stdout } = await runProgram('npx', ['edgeward', '--version'])
  expect(code).toBe(0)
  expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/)
})

test('a second daemon on the same state is refused', async () => {
  await using dir = await tempDir()
  await using _gateway = await startGateway(dir.path)
  const second = await edgeward(['run', '--state-dir', dir.path], {
    env: {
      EDGEWARD_AUTH_LISTEN: '127.0.0.1:0',
      EDGEWARD_ADMIN_LISTEN: '127.0.0.1:0',
      EDGEWARD_BROKER_LISTEN: '127.0.0.1:0',
    },
  })
  expect(second.code).toBe(1)
  expect(second.stderr).toContain('another edgeward process owns')
})
