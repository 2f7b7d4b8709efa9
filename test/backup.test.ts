import { spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { settleSwap } from '../backup/index.ts'
import { takeSnapshot } from '../cli/state/snapshot.ts'
import { systemClock } from '../core/clock.ts'
import { serveControl } from '../core/control-server.ts'
import { createLog } from '../core/log.ts'
import { systemRandom } from '../core/random.ts'
import { openAsItIs } from '../core/sqlite.ts'
import { gatewayState } from '../stores.ts'
import {
  agentStatus,
  createAgent,
  edgeward,
  type Gateway,
  joinPlant,
  runProgram,
  startGateway,
  startHub,
  type TempDir,
  tempDir,
} from './harness.ts'
import { describeWith } from './peers.ts'

let dir: TempDir
/** Where the box was when it was backed up, how, and by what it is known at the hub. */
let box: {
  state: string
  backup: string
  hubBackup: string
  agentId: string
  tokenBefore: string
  credentialAfter: string
  checkedRunning: Checked
}
const kind = gatewayState({ log: createLog('silent'), random: systemRandom })
const place = (name: string) => join(dir.path, name)
const passphrase = 'correct horse battery'
const withPassphrase = () => ['--passphrase-file', place('passphrase')]
const restore = (state: string, file: string, ...more: string[]) =>
  edgeward(['restore', file, ...withPassphrase(), '--json', '--state-dir', state, ...more])
const json = ({ stdout }: { stdout: string }) => JSON.parse(stdout.trim().split('\n').at(-1) as string)

/** As whoever starts next would find it. */
async function names(state: string, database: string, table: string): Promise<string[]> {
  await settleSwap(state)
  const db = openAsItIs(join(state, database))
  try {
    return db.prepare<[], string>(`SELECT name FROM ${table}`).pluck().all()
  } finally {
    db.close()
  }
}
const users = (state: string) => names(state, 'auth.db', 'user')

interface Checked {
  code: number | null
  databases: { state: string; said: string } | undefined
  steps: { step: string; state: string; said: string }[]
}

async function check(state: string): Promise<Checked> {
  const ran = await edgeward(['self-check', '--json', '--state-dir', state])
  const { steps } = json(ran) as Pick<Checked, 'steps'>
  return { code: ran.code, databases: steps.find(({ step }) => step === 'databases'), steps }
}

async function signIn(url: string): Promise<string> {
  const answer = await fetch(`${url}/device/edge/api/v1/login/direct`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'ann', password: 'battery staple 9' }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

/** What an app keeps for itself: kv.db is made for it. */
async function keepToken({ addresses }: Gateway, app: { id: string; secret: string }): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}`
  const kept = await fetch(new URL('/api/rest/v1/token/recipes/steel', addresses.auth), {
    method: 'PUT',
    headers: { authorization, 'content-type': 'application/json' },
    body: '{"value":"hot"}',
  })
  expect(kept.ok).toBe(true)
}

/** A box at its hub: backed up under load, then changed; its credential has been rotated since. */
beforeAll(async () => {
  dir = await tempDir()
  await writeFile(place('passphrase'), `${passphrase}\n`)
  await mkdir(place('backups'))
  const state = place('box')
  await using hub = await startHub(place('hub'))
  await hub.operate('init', { tenant: 'plant' })
  const { id: agentId, boarding } = await createAgent(hub, 'box')
  await using gateway = await startGateway(state)
  await keepToken(gateway, await joinPlant(gateway, hub, { id: agentId, boarding }))
  await gateway.operate('user.add', { name: 'ann', roles: ['Admin'], password: 'battery staple 9' })
  const tokenBefore = await signIn(gateway.addresses.auth)
  const load = Array.from({ length: 20 }, (_, number) =>
    gateway.operate('user.add', { name: `u${number}`, roles: ['Viewer'] }),
  )
  const hubBackup = place('hub.age')
  const [made, madeOfHub] = await Promise.all([
    edgeward([
      ...['backup', '--out', place('backups'), '--keep', '2', '--with-outbox', ...withPassphrase()],
      ...['--json', '--state-dir', state],
    ]),
    edgeward([
      ...['hub', 'backup', '--out', hubBackup, ...withPassphrase(), '--json'],
      ...['--state-dir', place('hub')],
    ]),
  ])
  await Promise.all(load)
  expect(madeOfHub.code, madeOfHub.stderr).toBe(0)
  await hub.operate('agent.create', { name: 'later', profile: 'RSA_3072' })
  expect(made.code, made.stderr).toBe(0)
  expect((await stat(json(made).file)).mode & 0o777).toBe(0o600)
  const [refused, checkedRunning] = await Promise.all([
    edgeward(['restore', json(made).file, ...withPassphrase(), '--state-dir', state]),
    check(state),
  ])
  expect(refused.stderr).toContain('owns')
  await gateway.operate('user.add', { name: 'late', roles: ['Viewer'] })
  await gateway.operate('identity.rotate')
  const { credential } = (await agentStatus(gateway)).identity
  box = {
    ...{ state, backup: json(made).file, hubBackup, agentId, tokenBefore, checkedRunning },
    credentialAfter: credential as string,
  }
})
afterAll(() => dir[Symbol.asyncDispose]())

test('the box itself gets its users back, keeps the newer credential, and old sessions are over', async () => {
  const state = place('same')
  await cp(box.state, state, { recursive: true })
  const restored = await restore(state, box.backup)
  expect(restored.code, restored.stderr).toBe(0)
  expect(json(restored)).toMatchObject({ isSameBox: true, identity: 'kept' })
  await using gateway = await startGateway(state)
  expect((await agentStatus(gateway)).identity).toMatchObject({
    agentId: box.agentId,
    credential: box.credentialAfter,
  })
  const names = (await gateway.operate<{ name: string }[]>('user.list')).map(({ name }) => name)
  expect(names).toContain('ann')
  expect(names).not.toContain('late')
  const visit = await fetch(`${gateway.addresses.auth}/device/edge/auth/login`, {
    headers: { cookie: `access_token=${box.tokenBefore}` },
    redirect: 'manual',
  })
  expect(visit.status, 'the login page, as for anybody').toBe(200)
  expect(await signIn(gateway.addresses.auth)).toMatch(/^eyJ/)
})

test('another box has the users without the identity, unless it is to take that', async () => {
  const [left, taken] = await Promise.all([
    restore(place('other'), box.backup),
    restore(place('heir'), box.backup, '--take-identity'),
  ])
  expect(json(left)).toMatchObject({ isSameBox: false, identity: 'left' })
  expect(await users(place('other'))).toContain('ann')
  expect(await kind.whose(place('other'))).toEqual({})
  expect(json(taken)).toMatchObject({ isSameBox: false, identity: 'taken' })
  expect((await kind.whose(place('heir'))).agent?.agentId).toBe(box.agentId)
})

test('a restore that is killed leaves the state as it was or as it is to be', async () => {
  const program = fileURLToPath(new URL('../bin/edgeward.js', import.meta.url))
  for (const afterMs of [700, 1300]) {
    const state = place(`killed-${afterMs}`)
    await cp(box.state, state, { recursive: true })
    const args = ['restore', box.backup, ...withPassphrase(), '--state-dir', state]
    const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await systemClock.sleep(afterMs)
    child.kill('SIGKILL')
    await ended
    const found = await users(state)
    expect(found, `killed after ${afterMs} ms`).toContain('ann')
    const isRestored = !found.includes('late')
    const replaced = (await readdir(state)).filter((name) => name.startsWith('replaced-'))
    expect(replaced.length, `killed after ${afterMs} ms`).toBe(isRestored ? 1 : 0)
    expect(await readdir(state)).not.toContain('restoring')
    await rm(state, { recursive: true })
  }
})

test('only the newest backups are kept, and other files stay', async () => {
  const kept = place('kept')
  await mkdir(kept)
  const old = ['1', '2'].map((day) => `edgeward-gateway-2026010${day}T000000000Z.tar.age`)
  for (const name of ['notes.txt', ...old]) await writeFile(join(kept, name), '')
  const args = ['--out', kept, '--keep', '2', ...withPassphrase(), '--json', '--state-dir', box.state]
  const made = await edgeward(['backup', ...args])
  expect(json(made), made.stderr).toMatchObject({ removed: [old[0]] })
  expect(await readdir(kept)).toHaveLength(3)
  const nowhere = { stateDir: place('no'), runtimeDir: place('no') }
  await expect(takeSnapshot(kind, nowhere, { withOnDemand: false })).rejects.toThrow('there is no state in')
})

describe('the self-check', () => {
  test('passes on a sound box and leaves no trace', async () => {
    const before = (await readdir(box.state)).sort()
    const { code, steps } = await check(box.state)
    expect(steps.filter(({ state }) => state !== 'ok')).toEqual([])
    expect(code).toBe(0)
    expect((await readdir(box.state)).sort()).toEqual(before)
  })

  test('asks the daemon that runs, and says so when that one is too old to tell', async () => {
    const state = place('served')
    await cp(box.state, state, { recursive: true })
    expect(box.checkedRunning).toMatchObject({ code: 0, databases: { state: 'ok' } })
    await using _old = await serveControl(join(state, 'run', 'control.sock'), {}, createLog('silent'))
    const { code, databases } = await check(state)
    expect(code).toBe(0)
    expect(databases).toMatchObject({ state: 'warning' })
    expect(databases?.said).toContain('makes no copies')
  })

  test('names the database that this release cannot open', async () => {
    const state = place('broken')
    await cp(box.state, state, { recursive: true })
    for (const suffix of ['-wal', '-shm']) await rm(join(state, `kv.db${suffix}`), { force: true })
    await writeFile(join(state, 'kv.db'), (await readFile(join(state, 'kv.db'))).fill(0x55, 4000, 9000))
    const { code, databases } = await check(state)
    expect(code).toBe(1)
    expect(databases).toMatchObject({ state: 'failed' })
    expect(databases?.said).toContain('kv.db')
  })
})

test('the hub is backed up while it serves, and restored as it was', async () => {
  expect(await names(place('hub'), 'registry.db', 'agent')).toContain('later')
  const args = ['hub', 'restore', box.hubBackup, ...withPassphrase(), '--json', '--state-dir', place('hub')]
  const restored = json(await edgeward(args))
  expect(restored.placed).toEqual(['registry.db', 'uploads.db', 'readings.db'])
  expect(await names(place('hub'), 'registry.db', 'agent')).toEqual(['box'])
})

describeWith(['age', 'script', 'tar'], 'with the programs age and tar', () => {
  test('a backup is opened without edgeward, and what they have written is restored', async () => {
    const [archive, file] = [place('opened.tar'), place('by-age')]
    const run = (command: string, lines: number) =>
      runProgram('script', ['-qec', command, '/dev/null'], { input: `${passphrase}\n`.repeat(lines) })
    const opened = await run(`age -d -o ${archive} ${box.backup}`, 1)
    expect(opened.code, opened.stdout).toBe(0)
    const names = (await runProgram('tar', ['-tf', archive])).stdout.split('\n')
    expect(names[0]).toBe('edgeward-backup.json')
    for (const name of ['auth.db', 'kv.db', 'kv.key', 'outbox.db', 'identity/identity.1.json', 'pki/ca.crt'])
      expect(names).toContain(name)
    const sealed = await run(`age -p -o ${file} ${archive}`, 2)
    expect(sealed.code, sealed.stdout).toBe(0)
    const restored = await restore(place('by-age-state'), file)
    expect(restored.code, restored.stderr).toBe(0)
  })
})
