import { expect, test } from 'vitest'
import type { AgentStatus } from '../cli/status.ts'
import {
  agentStatus,
  createAgent,
  edgeward,
  eventually,
  freePort,
  readings,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { startPlant } from './modbus/devices.ts'
import { describeWith } from './peers.ts'

/** Two points that the simulated device has, and one that it has not. */
const configuration = (port: number) => ({
  configurationId: 'press-1',
  dataSources: [
    {
      name: 'press',
      customData: { protocol: 'modbus', address: `127.0.0.1:${port}`, interval: '200ms', gap: 20 },
      dataPoints: [
        point('count', 'INT', { table: 'input', address: 5, type: 'uint16' }),
        point('running', 'BOOLEAN', { table: 'coil', address: 3 }),
        point('torque', 'DOUBLE', { table: 'input', address: 24, type: 'float32' }),
      ],
    },
  ],
})
const point = (id: string, type: 'INT' | 'BOOLEAN' | 'DOUBLE', customData: object) => ({
  ...{ id, name: id, type, customData: { ...customData } },
})

const stateOf = ({ sources }: AgentStatus) => sources.find(({ name }) => name === 'press')

describeWith(['pymodbus.server'], 'a gateway beside a Modbus device', () => {
  test('brings its registers to the hub, and says when it is gone', async () => {
    await using dir = await tempDir()
    await using hub = await startHub(`${dir.path}/hub`)
    await hub.operate('init')
    const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
    await using gateway = await startGateway(`${dir.path}/box`)
    await gateway.operate('identity.onboard', { boarding: agent.boarding })
    const port = await freePort()
    {
      await using _device = await startPlant('tcp', `${port}`)
      await hub.operate('agent.configure', { id: agent.id, configuration: configuration(port) })
      await eventually('the readings at the hub', async () => {
        const newest = await Promise.all(
          ['count', 'running', 'torque'].map((id) => readings(hub, agent.id, id)),
        )
        return newest.every((of) => of.length > 0)
      })
      expect((await readings(hub, agent.id, 'count'))[0]).toMatchObject({ value: 105, quality: 0 })
      expect((await readings(hub, agent.id, 'running'))[0]).toMatchObject({ value: true, quality: 0 })
      expect((await readings(hub, agent.id, 'torque'))[0]).toMatchObject({ value: null, quality: 0x80890000 })
      expect(stateOf(await agentStatus(gateway))).toMatchObject({
        state: 'degraded',
        reason: 'torque: illegal_data_address',
      })
    }
    await eventually('the source is dead', async () => stateOf(await agentStatus(gateway))?.state === 'dead')
  })

  test('is shown by "source decode" in every type and order', async () => {
    const port = await freePort()
    await using device = await startPlant('tcp', `${port}`)
    const at = device.encoded.find(
      ({ type, wordOrder, value }) => type === 'float32' && wordOrder === 'little' && value === '-21.3',
    )
    const decode = (...args: string[]) =>
      edgeward(['source', 'decode', '--address', `127.0.0.1:${port}`, ...args])

    const told = await decode('--json', '--start', `${at?.address}`, '--count', '2')
    expect(told.code, told.stderr).toBe(0)
    const { decodings } = JSON.parse(told.stdout)
    expect(decodings).toContainEqual({
      ...{ address: at?.address, registers: 2, type: 'float32', byteOrder: 'big', wordOrder: 'little' },
      value: -21.3,
    })
    const shown = await decode('--start', `${at?.address}`, '--count', '2')
    expect(shown.stdout).toMatch(new RegExp(`^${at?.address} +float32 .* -21\\.3 `, 'm'))

    const beyond = await decode('--start', '60000')
    expect([beyond.code, beyond.stderr]).toEqual([5, expect.stringContaining('IllegalDataAddress')])
    const bits = await decode('--table', 'coil', '--count', '4', '--json')
    expect(JSON.parse(bits.stdout)).toMatchObject({ start: 0, bits: [true, false, false, true] })
  })
})

test('registers that were read elsewhere are decoded without a device', async () => {
  const told = await edgeward(['source', 'decode', '--registers', '4048,F5C3'])
  expect(told.stdout).toMatch(/^0 +float32 +3\.14 /m)
  const wrong = await edgeward(['source', 'decode', '--registers', '40488'])
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('"40488" is not a register')])
  expect((await edgeward(['source', 'decode'])).code).toBe(2)
})
