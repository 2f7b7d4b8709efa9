import { spawn } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from './edge-auth.ts'
import {
  edgeward,
  eventually,
  type Gateway,
  startGateway,
  startHub,
  type TempDir,
  tempDir,
} from './harness.ts'

const held = new AsyncDisposableStack()
let dir: TempDir
let gateway: Gateway
beforeAll(async () => {
  dir = held.use(await tempDir())
  gateway = await startGateway(dir.path, { EDGEWARD_LOG_LEVEL: 'info' })
  held.defer(() => gateway.stop())
})
afterAll(() => held.disposeAsync())

interface Line {
  level: string
  msg: string
  module?: string
  [field: string]: unknown
}

const run = (...words: string[]) => edgeward([...words, '--state-dir', dir.path])
const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
const logs = async (...words: string[]): Promise<Line[]> => linesOf((await run('logs', ...words)).stdout)
const addUser = (name: string) => gateway.operate('user.add', { name, roles: ['Admin'], password })

test('without a journal, what the running daemon keeps in memory is shown: so many, since, of a level, of a module', async () => {
  await addUser('ann')
  const all = await logs('-n', '1000')
  const written = linesOf(gateway.log())
  expect(all).toEqual(written.slice(0, all.length))
  expect(all.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['gateway serves', 'user added']))
  expect(await logs('-n', '1', '--module', 'edge-auth')).toMatchObject([{ msg: 'user added', user: 'ann' }])
  const warnings = await logs('--level', 'warn')
  expect(warnings.length).toBeGreaterThan(0)
  expect(warnings.filter(({ level }) => level === 'info')).toEqual([])
  expect(await logs('--since', '2100-01-01T00:00:00Z')).toEqual([])
})

test('who follows sees what comes, of the next start of the daemon too', async () => {
  const program = fileURLToPath(new URL('../bin/edgeward.js', import.meta.url))
  const words = ['logs', '-f', '-n', '1', '--module', 'edge-auth', '--state-dir', dir.path]
  const follower = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
  const seen: Line[] = []
  createInterface({ input: follower.stdout }).on('line', (line) => seen.push(JSON.parse(line)))
  const ended = new Promise<number | null>((resolve) => follower.once('exit', resolve))
  const sees = (msg: string, user?: string) =>
    eventually(`follower sees ${msg}`, async () =>
      seen.some((line) => line.msg === msg && line.user === user),
    )
  try {
    await eventually('follower has begun', async () => seen.length > 0)
    await addUser('bob')
    await sees('user added', 'bob')
    await gateway.stop()
    gateway = await startGateway(dir.path, { EDGEWARD_LOG_LEVEL: 'info' })
    await addUser('cal')
    await sees('user added', 'cal')
    expect(seen.filter(({ module }) => module !== 'edge-auth')).toEqual([])
  } finally {
    follower.kill('SIGINT')
  }
  expect(await ended).toBe(0)
})

test('the level is changed while the daemon runs, for a while, by who may, and it is in the audit', async () => {
  const shown = async (...words: string[]) =>
    JSON.parse((await run('log', 'level', ...words, '--json')).stdout)
  const set = await shown('debug', '--module', 'broker', '--for', '1m')
  expect(set).toMatchObject({
    level: 'info',
    configured: 'info',
    set: [{ module: 'broker', level: 'debug' }],
  })
  expect(set.modules).toEqual(expect.arrayContaining(['agent', 'broker', 'edge-auth']))
  expect((await run('log', 'level')).stdout).toMatch(/^broker +debug, for \d+ s more$/m)
  await shown('error', '--for', '1s')
  await eventually('the level went back', async () => (await shown()).level === 'info')
  expect(await shown('--reset')).toMatchObject({ set: [] })
  expect((await run('log', 'level', 'debug', '--module', 'brokr')).stderr).toContain('broker')

  const admin = await signedIn('ann')
  expect(await admin('PUT', { level: 'debug', module: 'agent', forMs: 60_000 })).toMatchObject({
    ...{ status: 200, body: { set: [{ module: 'agent', level: 'debug' }] } },
  })
  expect(await admin('GET')).toMatchObject({ status: 200, body: { configured: 'info' } })
  expect(await admin('DELETE')).toMatchObject({ status: 200, body: { set: [] } })

  const told = async () => {
    const { stdout } = await run('audit', '--type', 'log_level_changed', '--json')
    return linesOf(stdout).map(({ actor, reason, detail }) => ({ actor, reason, ...(detail as object) }))
  }
  await eventually('the audit has them', async () => (await told()).length === 6)
  expect((await told()).reverse()).toEqual([
    { actor: 'machine', reason: 'set', module: 'broker', level: 'debug', forMs: 60_000 },
    { actor: 'machine', reason: 'set', level: 'error', forMs: 1_000 },
    { reason: 'ended', level: 'info' },
    { actor: 'machine', reason: 'reset', module: 'broker', level: 'info' },
    { actor: 'ann', reason: 'set', module: 'agent', level: 'debug', forMs: 60_000 },
    { actor: 'ann', reason: 'reset', module: 'agent', level: 'info' },
  ])
})

async function signedIn(username: string) {
  const { admin } = gateway.addresses
  const json = { 'content-type': 'application/json' }
  const body = JSON.stringify({ username, password })
  const session = await fetch(new URL('/api/v1/session', admin), { method: 'POST', headers: json, body })
  const { secret } = (await session.json()) as { secret: string }
  const cookie = session.headers.getSetCookie()[0]?.split(';')[0] as string
  return async (method: string, given?: object) => {
    const answer = await fetch(new URL('/api/v1/log/level', admin), {
      ...{ method, headers: { cookie, 'x-edgeward-admin': secret, ...(given ? json : {}) } },
      ...(given ? { body: JSON.stringify(given) } : {}),
    })
    return { status: answer.status, body: await answer.json() }
  }
}

test('the hub tells what it logs, too, and changes its level', async () => {
  await using state = await tempDir()
  await using _hub = await startHub(state.path)
  const ask = (...words: string[]) => edgeward([...words, '--hub', '--state-dir', state.path])
  expect(linesOf((await ask('logs')).stdout).map(({ msg }) => msg)).toContain('hub serves')
  expect((await ask('log', 'level', 'warn', '--for', '1m')).stdout).toMatch(/^level +warn$/m)
  expect(linesOf((await ask('logs', '-n', '1')).stdout)).toMatchObject([
    { msg: 'log level changed', level: 'warn', actor: 'machine' },
  ])
})

/** Programs of systemd as far as they are asked, for a unit whose main process is `pid`. */
async function systemd(pid: number, entries: readonly object[]): Promise<{ PATH: string }> {
  const folder = join(dir.path, `systemd-${pid}`)
  await mkdir(folder)
  const program = async (name: string, script: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder, name), 0o755)
  }
  await program('systemctl', `echo LoadState=loaded; echo MainPID=${pid}`)
  const text = entries.map((entry) => JSON.stringify(entry)).join('\n')
  await program('journalctl', `[ "$1 $2" = "-u edgeward" ] || exit 1\ncat <<'END'\n${text}\nEND`)
  return { PATH: `${folder}${delimiter}${process.env.PATH}` }
}

test('the journal is read where it is that of the daemon, with what others have said in it', async () => {
  const line = { level: 'warn', time: '2026-11-22T06:00:00.000Z', module: 'agent', msg: 'of the journal' }
  const entries = [
    {
      MESSAGE: 'Started edgeward.service.',
      SYSLOG_IDENTIFIER: 'systemd',
      PRIORITY: '6',
      __REALTIME_TIMESTAMP: '1795320000000000',
    },
    { MESSAGE: JSON.stringify(line), SYSLOG_IDENTIFIER: 'edgeward', PRIORITY: '6' },
    {
      MESSAGE: [70, 97, 116, 97, 108],
      SYSLOG_IDENTIFIER: 'edgeward',
      PRIORITY: '3',
      __REALTIME_TIMESTAMP: '1795330000000000',
    },
  ]
  const asked = async (pid: number, words: string[]) => {
    const env = await systemd(pid, entries)
    return linesOf((await edgeward(['logs', ...words, '--state-dir', dir.path], { env })).stdout)
  }
  const pid = gateway.process.pid as number
  expect(await asked(pid, [])).toEqual([
    { time: '2026-11-22T04:00:00.000Z', level: 'info', from: 'systemd', msg: 'Started edgeward.service.' },
    line,
    { time: '2026-11-22T06:46:40.000Z', level: 'error', from: 'edgeward', msg: 'Fatal' },
  ])
  // Of another process: the memory of this one is asked.
  expect((await asked(pid + 1, ['-n', '1'])).map(({ msg }) => msg)).not.toContain('Fatal')
})

test('where nothing runs and nothing is kept, that is said', async () => {
  await using state = await tempDir()
  for (const words of [
    ['logs', '-f'],
    ['log', 'level', 'debug'],
  ]) {
    const { code, stderr } = await edgeward([...words, '--state-dir', state.path])
    expect([words, code]).toEqual([words, 1])
    expect(stderr).toContain(state.path)
  }
  expect((await edgeward(['logs', '-n', 'many', '--state-dir', state.path])).code).toBe(2)
})
