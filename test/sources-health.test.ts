import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import type { DataSource } from '../protocol/data-source-configuration.ts'
import { isBad } from '../protocol/reading.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  freePort,
  joinPlant,
  readings,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

interface Ports {
  healthy: number[]
  slow: number
  flapping: number
}

/** The plant as a process of its own: its work is not to be taken for that of the gateway. */
async function startDevices(): Promise<AsyncDisposable & { ports: Ports }> {
  const program = fileURLToPath(new URL('field/devices.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const first = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve))
  return {
    ports: JSON.parse(first),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const device = (name: string, port: number, interval = '1s'): DataSource => ({
  name,
  customData: { protocol: 'modbus', address: `127.0.0.1:${port}`, interval, timeout: '6s' },
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

test('a dead, a slow and a flapping device, and a reload, cost twenty healthy devices no reading', async () => {
  await using dir = await tempDir()
  await using plant = await startDevices()
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  // A trial would revert what has a dead device in it.
  await using gateway = await startGateway(`${dir.path}/box`, { EDGEWARD_SOURCES_CONFIRM_TIMEOUT: '0s' })
  await joinPlant(gateway, hub, agent)

  const { ports } = plant
  const healthy = ports.healthy.map((port, k) => device(`healthy-${k}`, port))
  const ill = [
    device('dead', await freePort()),
    device('slow', ports.slow),
    device('flapping', ports.flapping),
  ]
  const configure = (configurationId: string, dataSources: DataSource[]) =>
    hub.operate('agent.configure', { id: agent.id, configuration: { configurationId, dataSources } })
  const source = async (name: string) =>
    (await agentStatus(gateway)).sources.find((each) => each.name === name)

  await configure('plant-2', [...healthy, ...ill])
  await eventually('an alarm for the dead device alone, and two answers of the slow one', async () => {
    const { alarms } = await agentStatus(gateway)
    const isSlowRead = ((await source('slow'))?.readings ?? 0) >= 4
    return isSlowRead && alarms.some(({ code }) => code === 'source_dead:dead')
  })
  // One of the twenty is read at another interval from now on.
  await configure('plant-3', [
    device('healthy-0', ports.healthy[0] ?? 0, '500ms'),
    ...healthy.slice(1),
    ...ill,
  ])
  await eventually('the new configuration', async () => {
    const { configurationId } = (await agentStatus(gateway)).configuration
    return configurationId === 'plant-3' && ((await source('healthy-0'))?.readings ?? 0) >= 10
  })
  await systemClock.sleep(3_000)

  const { sources, alarms } = await agentStatus(gateway)
  expect(sources.find(({ name }) => name === 'dead')).toMatchObject({
    state: 'dead',
    reason: expect.stringMatching(/ECONNREFUSED.*check the port/),
  })
  expect(sources.find(({ name }) => name === 'slow')).toMatchObject({ state: 'good' })
  expect(sources.find(({ name }) => name === 'slow')?.overruns).toBeGreaterThan(0)
  expect(alarms.map(({ code }) => code)).toContain('source_dead:dead')
  expect(alarms.filter(({ code }) => code.startsWith('source_dead:healthy'))).toEqual([])

  const untouched = sources.filter(({ name }) => /^healthy-(?!0$)/.test(name))
  expect(untouched).toHaveLength(19)
  const late = untouched.map(({ lateMs }) => lateMs ?? { median: Number.NaN, max: Number.NaN })
  const median = Math.max(...late.map((each) => each.median))
  const max = Math.max(...late.map((each) => each.max))
  process.stdout.write(
    `schedule error of ${untouched.length} healthy devices read each second beside a dead, a slow and a flapping one: ` +
      `median ${(median / 10).toFixed(2)} %, worst ${(max / 10).toFixed(2)} % of the interval\n`,
  )

  await configure('plant-4', [])
  await eventually('all at the hub', async () => {
    const { configuration, outbox } = await agentStatus(gateway)
    return configuration.configurationId === 'plant-4' && outbox.readings === 0
  })
  for (const { name, readings: atLeast } of untouched) {
    const counts = (await readings(hub, agent.id, `${name}-count`)).map(({ value }) => value)
    expect(counts.length).toBeGreaterThanOrEqual(atLeast / 2)
    expect(counts).toEqual(counts.map((_, k) => k + 1)) // each answer of the device, in order, once
    const connections = (await readings(hub, agent.id, `${name}-connections`)).map(({ value }) => value)
    expect(new Set(connections)).toEqual(new Set([1])) // it did not notice the reload
  }
  const flaps = (await readings(hub, agent.id, 'flapping-count')).map(({ quality }) => isBad(quality))
  expect(flaps).toContain(true)
  expect(flaps.lastIndexOf(false)).toBeGreaterThan(flaps.indexOf(true)) // it came back by itself
  expect((await readings(hub, agent.id, 'dead-count')).map(({ quality }) => isBad(quality))).toEqual([true])
})
