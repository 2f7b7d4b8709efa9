import { type Look, NoSuchFigure } from './host.ts'

export interface Metric {
  /** Whole numbers fit INT, LONG and DOUBLE points, others DOUBLE only. */
  whole: boolean
  /** The one key beside `metric` that the point may have. */
  option?: { key: 'path' | 'interface' | 'zone'; required: boolean }
  /** Undefined: there is no value yet. Rejects when this machine does not have the metric. */
  read(look: Look, option: string | undefined): Promise<number | bigint | undefined>
}

/** Bytes, unless said otherwise. */
export const metrics: Readonly<Record<string, Metric>> = {
  'load.1': fraction(async (look) => (await look.load())[0]),
  'load.5': fraction(async (look) => (await look.load())[1]),
  'load.15': fraction(async (look) => (await look.load())[2]),
  /** Percent of all processors between two polls. */
  'cpu.usage': fraction((look) => look.cpu()),
  'memory.total': memory((field) => field('MemTotal')),
  'memory.used': memory((field) => field('MemTotal') - field('MemAvailable')),
  'memory.available': memory((field) => field('MemAvailable')),
  'swap.used': memory((field) => field('SwapTotal') - field('SwapFree')),
  'disk.total': disk('total'),
  'disk.used': disk('used'),
  'disk.free': disk('free'),
  'network.rx_bytes': network(0),
  /** Packets. */
  'network.rx_errors': network(2),
  'network.tx_bytes': network(8),
  /** Packets. */
  'network.tx_errors': network(10),
  /** °C. */
  temperature: {
    whole: false,
    option: { key: 'zone', required: false },
    read: (look, zone) => look.temperature(zone),
  },
  /** Seconds since the kernel started. */
  uptime: fraction((look) => look.uptime()),
}

function fraction(read: Metric['read']): Metric {
  return { whole: false, read }
}

function memory(of: (field: (name: string) => number) => number): Metric {
  return {
    whole: true,
    async read(look) {
      const fields = await look.memory()
      return of((name) => {
        const bytes = fields.get(name)
        if (bytes === undefined) throw new NoSuchFigure(`no ${name} in meminfo`)
        return bytes
      })
    },
  }
}

function disk(figure: 'total' | 'used' | 'free'): Metric {
  return {
    whole: true,
    option: { key: 'path', required: false },
    read: async (look, path = '/') => (await look.disk(path))[figure],
  }
}

function network(column: number): Metric {
  return {
    whole: true,
    option: { key: 'interface', required: true },
    async read(look, name = '') {
      const counter = (await look.network()).get(name)?.[column]
      if (counter === undefined) throw new NoSuchFigure(`no interface ${name}`)
      return counter
    },
  }
}
