import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { connectAsync } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { release } from '../core/release.ts'
import { introspectPath, password } from './edge-auth.ts'
import { builtExecutable } from './executable.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  type Gateway,
  joinPlant,
  readings,
  runProgram,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { describeWith } from './peers.ts'

describe('the single executable', () => {
  test('shows the whole chain in a folder where nothing else lies', async () => {
    const executable = await builtExecutable('x64')
    await using dir = await tempDir()
    const env = { PATH: '/usr/bin:/bin', XDG_CACHE_HOME: dir.path, TMPDIR: dir.path, NODE_COMPILE_CACHE: '' }
    const { code, stdout, stderr } = await runProgram(executable, ['demo', '--once'], { env })
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    // Field protocols, the OPC UA child process among them, threads, databases, pages, addons: all from within.
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      ok: true,
      profiles: { RSA_3072: { ok: true }, SHARED_SECRET: { ok: true } },
      introspect: { active: true, afterLogout: false },
    })
  })

  test('serves the pages of the console, and says its version', async () => {
    const executable = await builtExecutable('x64')
    await using dir = await tempDir()
    expect((await runProgram(executable, ['-V'])).stdout.trim()).toBe(release)
    const program = { file: executable, args: [] }
    await using gateway = await startGateway(dir.path, {}, { program })
    for (const path of ['/', '/console/main.js', '/api/v1/openapi.json'])
      expect((await fetchText(new URL(path, gateway.addresses.admin))).status).toBe(200)
  })

  test('takes no addon from a folder that others may write to', async () => {
    const executable = await builtExecutable('x64')
    await using dir = await tempDir()
    const open = `${dir.path}/open`
    await mkdir(open, { mode: 0o777 })
    await runProgram('chmod', ['777', open])
    const env = { CACHE_DIRECTORY: open, XDG_CACHE_HOME: `${dir.path}/own` }
    await using gateway = await startGateway(`${dir.path}/state`, env, {
      program: { file: executable, args: [] },
    })
    expect(await gateway.operate('user.list')).toEqual([])
    await expect(stat(`${open}/edgeward`)).rejects.toThrow()
    expect((await runProgram('ls', [open])).stdout).toBe('')
  })

  test('unpacks an addon again that is not whole', async () => {
    const executable = await builtExecutable('x64')
    await using dir = await tempDir()
    const own = `${dir.path}/own`
    const env = { CACHE_DIRECTORY: own }
    const list = () => runProgram(executable, ['user', 'list', '--state-dir', `${dir.path}/state`], { env })
    expect(await list()).toMatchObject({ code: 0 })
    const addons = (await readdir(own))
      .filter((name) => name.endsWith('.node'))
      .map((name) => `${own}/${name}`)
    const sizes = () => Promise.all(addons.map(async (path) => (await stat(path)).size))
    const whole = await sizes()
    for (const path of addons) {
      await chmod(path, 0o700)
      await truncate(path, 1_000)
    }
    expect(await list()).toMatchObject({ code: 0 })
    expect(await sizes()).toEqual(whole)
  })

  test('keeps compiled code for the next start, and makes anew what is torn', async () => {
    const executable = await builtExecutable('x64')
    await using dir = await tempDir()
    const own = `${dir.path}/own`
    const serveOnce = async () => {
      const program = { file: executable, args: [] }
      await using gateway = await startGateway(`${dir.path}/state`, { CACHE_DIRECTORY: own }, { program })
      const metrics = await fetchText(new URL('/metrics', gateway.addresses.admin))
      expect(metrics.text).toContain('edgeward_')
      await gateway.stop()
    }
    const kept = async () => {
      const [build] = (await readdir(own)).filter((name) => name.startsWith('code-'))
      const files = await readdir(`${own}/${build}`, { recursive: true, withFileTypes: true })
      return files.filter((file) => file.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`)
    }
    const hashes = async (paths: string[]) =>
      Promise.all(
        paths.map(async (path) =>
          createHash('sha256')
            .update(await readFile(path))
            .digest('hex'),
        ),
      )
    const entries = ['packaging-executable-entry.ts', 'agent-outbox-thread.ts', 'edge-auth-store-thread.ts']
    await mkdir(`${own}/code-of-another-release`, { recursive: true, mode: 0o700 })
    await serveOnce()
    const files = (await kept()).filter((path) => entries.includes(basename(path)))
    expect(files.length).toBe(entries.length)
    for (const path of files) expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(own)).not.toContain('code-of-another-release')

    for (const path of files) await writeFile(path, (await readFile(path)).fill(0x55, 100, 200))
    const torn = await hashes(files)
    await serveOnce()
    const again = await hashes(files)
    expect(again.filter((hash, at) => hash === torn[at])).toEqual([])
    await serveOnce()
    expect(await hashes(files)).toEqual(again)
  })
})

describeWith(['qemu-aarch64-static', 'aarch64-linux-gnu-strip'], 'the executable for arm64', () => {
  test('onboards, uploads and introspects, on an emulated processor', async () => {
    const executable = await builtExecutable('arm64')
    await using dir = await tempDir()
    await using hub = await startHub(`${dir.path}/hub`)
    await hub.operate('init')
    const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
    const program = { file: 'qemu-aarch64-static', args: ['-L', '/usr/aarch64-linux-gnu', executable] }
    // An emulated processor takes minutes to find primes: so no key for the hub, and the keys of the certificates
    // are found by the real one.
    await (await startGateway(`${dir.path}/box`)).stop()
    await using gateway = await startGateway(`${dir.path}/box`, {}, { program })

    const app = await joinPlant(gateway, hub, agent)
    const client = await connectAsync(gateway.addresses.mqtt, {
      ...{ username: app.id, password: app.secret, clientId: 'test', reconnectPeriod: 0 },
    })
    const sent = Array.from({ length: 20 }, (_, n) =>
      client.publishAsync('apps/press/m', JSON.stringify({ n, x: n / 4 }), { qos: 1 }),
    )
    await Promise.all(sent)
    await client.endAsync()
    await eventually('all of it at the hub', async () => (await readings(hub, agent.id, 'n')).length === 20)
    expect((await agentStatus(gateway)).identity.state).toBe('onboarded')

    await gateway.operate('user.add', { name: 'ada', roles: ['Admin'], password })
    expect(await introspected(gateway, app)).toMatchObject({ active: true, sub: 'ada' })
  }, 240_000)
})

const fetchText = (url: URL) =>
  fetch(url).then(async (answer) => ({ status: answer.status, text: await answer.text() }))

async function introspected(gateway: Gateway, app: { id: string; secret: string }) {
  const { auth } = gateway.addresses
  const login = await fetch(new URL('/device/edge/api/v1/login/direct', auth), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'ada', password }),
  })
  expect(login.status).toBe(200)
  const { access_token: token } = (await login.json()) as { access_token: string }
  const answer = await fetch(new URL(introspectPath, auth), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${app.id}:${app.secret}`)}` },
    body: new URLSearchParams({ token }),
  })
  return answer.json()
}
