import { bytesOf, type DiskIo, fileSystem, mountPoints } from './disk.ts'
import { disks, interfaces, type Look } from './host.ts'
import type { Metric, Metrics, Option } from './metric.ts'
import { NoSuchFigure } from './reading.ts'
import { fan, fanNames, temperature, temperatureNames, throttling } from './sensors.ts'

/** File systems, disks, network interfaces, sensors. */
export const deviceMetrics: Metrics = {
  'disk.total': space('By', 'total'),
  'disk.used': space('By', 'used'),
  'disk.free': space('By', 'free'),
  'disk.inodes': space('', 'inodes'),
  'disk.inodes_used': space('', 'inodesUsed'),
  'disk.inodes_free': space('', 'inodesFree'),
  'disk.reads': io('', ({ reads }) => reads),
  'disk.read_bytes': io('By', ({ readSectors }) => bytesOf(readSectors)),
  'disk.writes': io('', ({ writes }) => writes),
  'disk.write_bytes': io('By', ({ writeSectors }) => bytesOf(writeSectors)),
  'disk.busy': { ...io('%', () => 0), kind: 'fraction', read: busyPercent },
  'network.rx_bytes': network('By', 0),
  'network.rx_packets': network('', 1),
  'network.rx_errors': network('', 2),
  'network.rx_dropped': network('', 3),
  'network.tx_bytes': network('By', 8),
  'network.tx_packets': network('', 9),
  'network.tx_errors': network('', 10),
  'network.tx_dropped': network('', 11),
  'network.up': link('boolean', '', async (look, name) => (await net(look, name, 'operstate')) === 'up'),
  'network.speed': link('whole', 'Mbit/s', async (look, name) => speed(await net(look, name, 'speed'))),
  temperature: {
    ...{ kind: 'fraction', unit: 'Cel' },
    option: { key: 'zone', required: false, names: ({ roots }) => temperatureNames(roots.sys) },
    read: ({ roots }, zone) => temperature(roots.sys, zone),
  },
  fan: {
    ...{ kind: 'whole', unit: '1/min' },
    option: { key: 'zone', required: false, names: ({ roots }) => fanNames(roots.sys) },
    read: ({ roots }, zone) => fan(roots.sys, zone),
  },
  /** Raspberry Pi: all bits as its firmware has them; below, those of now. */
  throttled: { kind: 'whole', unit: '', read: ({ roots }) => throttling(roots.sys) },
  'throttled.under_voltage': throttledBit(0),
  'throttled.frequency_capped': throttledBit(1),
  'throttled.now': throttledBit(2),
  'throttled.hot': throttledBit(3),
}

function space(unit: string, figure: keyof Awaited<ReturnType<typeof fileSystem>>): Metric {
  return {
    ...{ kind: 'whole', unit },
    option: {
      ...{ key: 'path', required: false },
      names: async (look) => mountPoints(await look.proc('self/mounts')),
    },
    read: async (_look, path = '/') => (await fileSystem(path))[figure],
  }
}

function deviceOption(): Option {
  return {
    ...{ key: 'device', required: true },
    names: async (look) =>
      [...(await disks(look))].flatMap(([name, { reads }]) =>
        Number(reads) > 0 && !name.startsWith('loop') ? [name] : [],
      ),
  }
}

function io(unit: string, of: (io: DiskIo) => number | bigint): Metric {
  return {
    ...{ kind: 'whole', unit, option: deviceOption() },
    read: async (look, name) => of(device(await disks(look), name)),
  }
}

function device(all: ReadonlyMap<string, DiskIo>, name = ''): DiskIo {
  const found = all.get(name)
  if (!found) throw new NoSuchFigure(`no device ${name}`)
  return found
}

/** Of the time between two looks. */
async function busyPercent(look: Look, name: string | undefined): Promise<number | undefined> {
  const now = device(await disks(look), name)
  const before = look.before?.disks?.get(name ?? '')
  const ms = look.now.at - (look.before?.at ?? look.now.at)
  if (!before || ms <= 0) return undefined
  return Math.round(Math.min(1, (now.busyMs - before.busyMs) / ms) * 10_000) / 100
}

function interfaceOption(): Option {
  return {
    ...{ key: 'interface', required: true },
    names: async (look) => [...(await interfaces(look)).keys()],
  }
}

function network(unit: string, column: number): Metric {
  return {
    ...{ kind: 'whole', unit, option: interfaceOption() },
    async read(look, name = '') {
      const counter = (await interfaces(look)).get(name)?.[column]
      if (counter === undefined) throw new NoSuchFigure(`no interface ${name}`)
      return counter
    },
  }
}

function link(
  kind: Metric['kind'],
  unit: string,
  read: (look: Look, name: string) => Promise<number | boolean>,
): Metric {
  return { ...{ kind, unit, option: interfaceOption() }, read: (look, name = '') => read(look, name) }
}

async function net(look: Look, name: string, file: string): Promise<string> {
  if (!(await interfaces(look)).has(name)) throw new NoSuchFigure(`no interface ${name}`)
  return (await look.sys(`class/net/${name}/${file}`)).trim()
}

/** The kernel says -1 where the interface is down. */
function speed(text: string): number {
  const value = Number(text)
  if (!(value >= 0)) throw new NoSuchFigure('the interface is down')
  return value
}

function throttledBit(bit: number): Metric {
  return {
    ...{ kind: 'boolean', unit: '' },
    read: async ({ roots }) => ((await throttling(roots.sys)) >> bit) % 2 === 1,
  }
}
