import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { DataSource } from '../protocol/data-source-configuration.ts'
import {
  agentStatus,
  createAgent,
  edgeward,
  eventually,
  freePort,
  type Gateway,
  readings,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

const program = fileURLToPath(new URL('../bin/edgeward.js', import.meta.url))

/** Twenty Modbus devices in a process of their own, which count requests and connections. */
async function startDevices(): Promise<AsyncDisposable & { healthy: number[] }> {
  const fixture = fileURLToPath(new URL('field/devices.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [fixture], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const first = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve))
  return {
    healthy: JSON.parse(first).healthy,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const device = (name: string, port: number, interval: string, unit = 1): DataSource => ({
  name,
  customData: { protocol: 'modbus', address: `127.0.0.1:${port}`, interval, unit },
  dataPoints: [
    {
      ...{ id: `${name}-count`, name: 'count', type: 'LONG' },
      customData: { table: 'holding', address: 0, type: 'uint32' },
    },
    {
      ...{ id: `${name}-connections`, name: 'connections', type: 'INT' },
      customData: { table: 'holding', address: 2, type: 'uint16' },
    },
  ],
})

/** What each untouched device says it was asked must be what arrived: nothing lost, in order, on one connection. */
async function expectAll(hub: Parameters<typeof readings>[0], agent: string, names: readonly string[]) {
  for (const name of names) {
    const counts = (await readings(hub, agent, `${name}-count`)).map(({ value }) => value)
    expect(counts.length).toBeGreaterThan(10)
    expect(counts).toEqual(counts.map((_, k) => k + 1))
    const connections = (await readings(hub, agent, `${name}-connections`)).map(({ value }) => value)
    expect(new Set(connections)).toEqual(new Set([1]))
  }
}

test('a reload costs the other nineteen sources nothing; a configuration that does not read reverts, and the hub shows why', async () => {
  await using dir = await tempDir()
  await using plant = await startDevices()
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  await using gateway = await startGateway(`${dir.path}/box`, { EDGEWARD_SOURCES_CONFIRM_TIMEOUT: '6s' })
  await gateway.operate('identity.onboard', { boarding: agent.boarding })
  const configure = (configurationId: string, dataSources: DataSource[]) =>
    hub.operate('agent.configure', { id: agent.id, configuration: { configurationId, dataSources } })
  const inForce = async () => (await agentStatus(gateway)).configuration.configurationId
  const cli = (...args: string[]) => edgeward([...args, '--state-dir', `${dir.path}/box`])

  const all = plant.healthy.map((port, k) => device(`machine-${k}`, port, '200ms'))
  await configure('plant', all)
  await eventually('connected and measured', async () => {
    const { uplink, sources } = await agentStatus(gateway)
    return (
      uplink.state === 'connected' && sources.length === 20 && sources.every(({ readings }) => readings > 8)
    )
  })

  await configure('faster', [device('machine-0', plant.healthy[0] ?? 0, '100ms'), ...all.slice(1)])
  await eventually('the changed one has shown that it reads', async () => (await inForce()) === 'faster')

  const nobody = device('machine-0', await freePort(), '100ms')
  await configure('broken', [nobody, ...all.slice(1)])
  await eventually('the trial', async () => {
    const { trial } = await gateway.operate<{ trial: { sources: object[] } | null }>('config.trial')
    return trial?.sources.length === 1
  })
  const shown = await cli('config', 'trial')
  expect(shown.stdout).toMatch(/version \d is on trial/)
  await eventually('the hub knows why', async () => {
    const { report } = await hub.operate<{ report: { configuration?: { state: string } } | null }>(
      'agent.show',
      {
        id: agent.id,
      },
    )
    return report?.configuration?.state === 'reverted'
  })
  expect(await hub.operate('agent.show', { id: agent.id })).toMatchObject({
    report: {
      configuration: {
        ...{ state: 'reverted', configurationId: 'faster', eTag: '2', tried: '3' },
        reason: 'it did not read within 6 s; the one before goes on',
        faults: [{ source: 'machine-0', fault: expect.stringMatching(/ECONNREFUSED.*check the port/) }],
      },
    },
  })
  const told = await edgeward(['hub', 'agent', 'show', agent.id, '--state-dir', `${dir.path}/hub`])
  expect(told.stdout).toMatch(/configuration +reverted: it did not read/)
  expect(told.stdout).toMatch(/machine-0: .*ECONNREFUSED/)
  const listed = await cli('config', 'history')
  expect(listed.stdout).toMatch(/\d +reverted .*machine-0: .*ECONNREFUSED/)
  expect((await cli('status')).stdout).toMatch(/version \d of the hub was reverted/)

  await configure('none', [])
  await eventually('all at the hub', async () => {
    const { outbox } = await agentStatus(gateway)
    return (await inForce()) === 'none' && outbox.readings === 0
  })
  await expectAll(
    hub,
    agent.id,
    all.slice(1).map(({ name }) => name),
  )
})

const toml = (port: number, unit: string) => `
[[dataSources]]
name = "press"
customData = { protocol = "modbus", address = "127.0.0.1:${port}", interval = "200ms", timeout = "500ms", unit = ${unit} }

[[dataSources.dataPoints]]
id = "strokes"
name = "strokes"
type = "DOUBLE"
unit = "1000"
customData = { table = "holding", address = 0, type = "uint32", scale = { factor = 0.001 } }
`

test('a technician reads a device before its file counts, and watches what it says after', async () => {
  await using dir = await tempDir()
  await using plant = await startDevices()
  const [port = 0] = plant.healthy
  const state = `${dir.path}/box`
  const cli = (...args: string[]) =>
    edgeward([...args, '--state-dir', state], { env: { EDGEWARD_SOURCES_DIR: `${state}/sources.d` } })
  await mkdir(`${state}/sources.d`, { recursive: true })
  await using gateway = await startGateway(state)

  const file = `${dir.path}/press.toml`
  await writeFile(file, toml(port, '1'))
  const read = await cli('source', 'test', '--file', file, '--json')
  expect([read.code, JSON.parse(read.stdout)]).toMatchObject([
    0,
    [
      {
        name: 'press',
        outcome: 'read',
        points: [{ id: 'strokes', read: { value: 0.001, quality: 'Good' } }],
      },
    ],
  ])
  await writeFile(file, toml(port, '300'))
  const wrong = await cli('source', 'test', '--file', file)
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringMatching(/press\.toml:4: dataSources\[0\].*unit/),
  ])
  await writeFile(file, toml(await freePort(), '1'))
  const refused = await cli('source', 'test', '--file', file)
  expect([refused.code, refused.stdout]).toEqual([
    5,
    expect.stringMatching(/takes no connection on this port/),
  ])

  await writeFile(`${state}/sources.d/press.toml`, toml(port, '1'))
  gateway.process.kill('SIGHUP')
  await eventually('read', async () => ((await agentStatus(gateway)).sources[0]?.readings ?? 0) > 2)
  expect((await cli('source', 'list')).stdout).toMatch(/press +modbus +local +good +\d+ +[\d.]+ s/)
  expect((await cli('source', 'test', 'press')).stdout).toMatch(/strokes +strokes +0\.\d+ +1000 +Good/)
  const absent = await cli('source', 'test', 'saw')
  expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('there are press')])
  const seen = await watchLines(gateway, state, 3)
  for (const line of seen)
    expect(line).toMatchObject({ source: 'press', point: 'strokes', unit: '1000', quality: 'Good' })
  expect((await cli('config', 'check')).stdout).toContain('1 data sources in 1 files')
})

/** The first lines of `edgeward source watch --json`, which then is ended as a technician does. */
async function watchLines(_gateway: Gateway, state: string, count: number): Promise<object[]> {
  const child = spawn(process.execPath, [program, 'source', 'watch', '--json', '--state-dir', state])
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const lines: object[] = []
  for await (const line of createInterface(child.stdout)) {
    lines.push(JSON.parse(line))
    if (lines.length === count) child.kill('SIGINT')
  }
  expect(await ended).toBe(0)
  return lines
}
