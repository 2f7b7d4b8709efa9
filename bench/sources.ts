import { networkInterfaces } from 'node:os'
import type { DataSource } from '../protocol/data-source-configuration.ts'
import { freePort, tempDir } from '../test/harness.ts'
import { startPlant } from '../test/modbus/devices.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { rounded } from './measure.ts'
import { startFixture } from './server-process.ts'
import { type Acquired, sideBySide } from './side-by-side.ts'

/** 500 values a second. */
const points = 50
const intervalMs = 100

const windows = ({ quick, say }: Effort, windowMs: number) =>
  quick ? { windows: 1, windowMs: 3_000, warmMs: 1_000, say } : { windows: 5, windowMs, warmMs: 10_000, say }

const numbered = <T>(one: (k: number) => T): T[] => Array.from({ length: points }, (_, k) => one(k))

const press = (customData: DataSource['customData'], dataPoints: DataSource['dataPoints']): DataSource => ({
  ...{ name: 'press', customData: { interval: `${intervalMs}ms`, ...customData }, dataPoints },
})

/** Each has a device of its own, so that nobody waits for the requests of the others. */
export const sourcesModbus: Bench = {
  name: 'sources-modbus',
  group: 'sources',
  about: 'CPU per reading of 500 registers/s: blocks against single reads, ours and of modbus-serial alone',
  measure: async (effort: Effort): Promise<Measured> => {
    await using held = new AsyncDisposableStack()
    const dir = held.use(await tempDir()).path
    const device = async (): Promise<number> => {
      const port = await freePort()
      held.use(await startPlant('tcp', `${port}`))
      return port
    }
    const ours = async (custom: object) => {
      const reach = { protocol: 'modbus', address: `127.0.0.1:${await device()}`, ...custom }
      const registers = numbered((k) => ({
        ...{ id: `p${k}`, name: `p${k}`, type: 'INT' as const },
        customData: { table: 'holding', address: k, type: 'uint16' },
      }))
      return { by: 'edgeward' as const, dir, dataSource: press(reach, registers) }
    }
    const { blocks, single, alone } = await sideBySide(
      {
        blocks: await ours({}),
        single: await ours({ maxRegisters: 1 }),
        alone: { by: 'modbus-serial', port: await device(), points, intervalMs },
      },
      windows(effort, 12_000),
    )
    return {
      unit: 'microseconds of CPU per reading',
      runs: windows(effort, 0).windows,
      ours: { blocks: perReading(blocks), ...rates({ blocks }) },
      peer: {
        'single reads': perReading(single),
        'modbus-serial alone, single reads': perReading(alone),
        ...rates({ single, alone }),
      },
      ratio: { singleOverBlocks: over(single, blocks), aloneOverBlocks: over(alone, blocks) },
      must: [],
    }
  },
}

export const sourcesOpcua: Bench = {
  name: 'sources-opcua',
  group: 'sources',
  about: 'CPU per reading of 500 OPC UA values/s, both processes: subscribed to against polled',
  measure: async (effort: Effort): Promise<Measured> => {
    await using held = new AsyncDisposableStack()
    const dir = held.use(await tempDir()).path
    const endpoint = await startOpcuaServer(held, dir)
    const ours = (mode: 'subscribe' | 'poll') => {
      const reach = mode === 'poll' ? { mode } : { mode, publishingInterval: '250ms' }
      const nodes = opcuaPoints(mode === 'poll' ? {} : { samplingInterval: `${intervalMs}ms` })
      const dataSource = press({ protocol: 'opcua', endpoint, ...reach }, nodes)
      return { by: 'edgeward' as const, dir: `${dir}/${mode}`, dataSource }
    }
    const { subscribed, polled } = await sideBySide(
      { subscribed: ours('subscribe'), polled: ours('poll') },
      windows(effort, 15_000),
    )
    return {
      unit: 'microseconds of CPU per reading, of the process with the sources and the one with the OPC UA stack',
      runs: windows(effort, 0).windows,
      ours: { subscribed: perReading(subscribed), ...rates({ subscribed }) },
      peer: { polled: perReading(polled), ...rates({ polled }) },
      ratio: { polledOverSubscribed: over(polled, subscribed) },
      must: [],
    }
  },
}

export async function startOpcuaServer(held: AsyncDisposableStack, dir: string): Promise<string> {
  const args = [`${await freePort()}`, `${dir}/server`, `${points}`]
  const { said } = held.use(await startFixture('opcua-server', args))
  return (JSON.parse(said) as { endpoint: string }).endpoint
}

export const opcuaPoints = (custom: object) =>
  numbered((k) => ({
    ...{ id: `p${k}`, name: `p${k}`, type: 'DOUBLE' as const },
    customData: { nodeId: `ns=1;s=P${k}`, ...custom },
  }))

/** What systeminformation answers with four calls, too. */
const systemFigures = (wire: string) => [
  ...['load.1', 'cpu.usage', 'memory.total', 'memory.used', 'memory.available', 'swap.used', 'uptime'].map(
    (metric) => ({ metric }),
  ),
  ...['disk.total', 'disk.used'].map((metric) => ({ metric, path: '/' })),
  ...['network.rx_bytes', 'network.tx_bytes'].map((metric) => ({ metric, interface: wire })),
]

export const sourcesSystem: Bench = {
  name: 'sources-system',
  group: 'sources',
  about: 'CPU per look at the machine, straight from the kernel against systeminformation',
  measure: async (effort: Effort): Promise<Measured> => {
    await using dir = await tempDir()
    const all = Object.entries(networkInterfaces())
    const [wire] = all.find(([, addresses]) => addresses?.some(({ internal }) => !internal)) ?? ['lo']
    const figures = systemFigures(wire)
    const dataPoints = figures.map((customData, k) => ({
      ...{ id: `p${k}`, name: `p${k}`, type: 'DOUBLE' as const, customData },
    }))
    const lookMs = 200
    const dataSource = press({ protocol: 'system', interval: `${lookMs}ms` }, dataPoints)
    const { direct, si } = await sideBySide(
      {
        direct: { by: 'edgeward', dir: dir.path, dataSource },
        si: { by: 'systeminformation', interface: wire, intervalMs: lookMs },
      },
      windows(effort, 20_000),
    )
    const perLook = (of: Acquired) => rounded((of.microsecondsPerReading * figures.length) / 1000)
    return {
      unit: `milliseconds of CPU per look of ${figures.length} figures, with the programs that it starts`,
      runs: windows(effort, 0).windows,
      ours: { direct: perLook(direct), ...rates({ direct }) },
      peer: { systeminformation: perLook(si), ...rates({ si }) },
      ratio: { systeminformationOverDirect: over(si, direct) },
      must: [],
    }
  },
}

const perReading = ({ microsecondsPerReading }: Acquired): number => rounded(microsecondsPerReading)

const over = (more: Acquired, less: Acquired): number =>
  rounded(more.microsecondsPerReading / less.microsecondsPerReading)

/** Who falls behind is seen. */
const rates = (all: Record<string, Acquired>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(all).map(([name, { readingsPerSecond }]) => [
      `readings/s, ${name}`,
      rounded(readingsPerSecond),
    ]),
  )
