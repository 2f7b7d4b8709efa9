import { busyModes, type CpuMode, sharePercent } from './cpu.ts'
import { counter, cpus, kernel, type Look, memory, numbers } from './host.ts'
import { fraction, type Metric, type Metrics, type Option, whole } from './metric.ts'
import { NoSuchFigure } from './reading.ts'

/** Processor, processes and memory. */
export const processorMetrics: Metrics = {
  'load.1': load(0),
  'load.5': load(1),
  'load.15': load(2),
  'cpu.usage': share(busyModes),
  'cpu.user': share(['user']),
  'cpu.nice': share(['nice']),
  'cpu.system': share(['system']),
  'cpu.iowait': share(['iowait']),
  'cpu.irq': share(['irq', 'softirq']),
  'cpu.steal': share(['steal']),
  'cpu.frequency': {
    ...{ kind: 'fraction', unit: 'MHz', option: { ...coreOption(), required: true } },
    read: async (look, core) =>
      Number(await look.sys(`devices/system/cpu/cpu${core}/cpufreq/scaling_cur_freq`)) / 1000,
  },
  'processes.total': whole('', async (look) => Number((await look.proc('loadavg')).split(/[\s/]/)[4])),
  'processes.running': stat('procs_running'),
  'processes.blocked': stat('procs_blocked'),
  'processes.created': stat('processes'),
  'kernel.context_switches': stat('ctxt'),
  'memory.total': bytes((field) => field('MemTotal')),
  'memory.used': bytes((field) => field('MemTotal') - field('MemAvailable')),
  'memory.available': bytes((field) => field('MemAvailable')),
  'memory.free': bytes((field) => field('MemFree')),
  'memory.cached': bytes((field) => field('Cached')),
  'memory.buffers': bytes((field) => field('Buffers')),
  'memory.dirty': bytes((field) => field('Dirty')),
  'memory.oom_kills': whole('', (look) => counter(look, 'vmstat', 'oom_kill')),
  'swap.total': bytes((field) => field('SwapTotal')),
  'swap.used': bytes((field) => field('SwapTotal') - field('SwapFree')),
  'swap.in': whole('pages', (look) => counter(look, 'vmstat', 'pswpin')),
  'swap.out': whole('pages', (look) => counter(look, 'vmstat', 'pswpout')),
  'pressure.cpu.some': pressure('cpu', 'some'),
  'pressure.memory.some': pressure('memory', 'some'),
  'pressure.memory.full': pressure('memory', 'full'),
  'pressure.io.some': pressure('io', 'some'),
  'pressure.io.full': pressure('io', 'full'),
}

function load(at: number): Metric {
  return fraction('', async (look) => numbers(await look.proc('loadavg'))[at])
}

/** Hoisted: the table above is made of these. */
function coreOption(): Option {
  return {
    ...{ key: 'core', required: false },
    names: async (look) => [...(await cpus(look)).keys()].filter((name) => name !== 'cpu'),
  }
}

/** Percent of all processors, or of one, between two looks. */
function share(modes: readonly CpuMode[]): Metric {
  return {
    ...{ kind: 'fraction', unit: '%', option: coreOption() },
    async read(look, core = 'cpu') {
      const times = (await cpus(look)).get(core)
      if (times === undefined) throw new NoSuchFigure(`no processor ${core}`)
      const before = look.before?.cpus?.get(core)
      return before && sharePercent(before, times, modes)
    },
  }
}

function stat(name: string): Metric {
  return whole('', async (look) => present((await kernel(look)).get(name), `${name} in stat`))
}

function bytes(of: (field: (name: string) => number) => number): Metric {
  return whole('By', async (look) => {
    const fields = await memory(look)
    return of((name) => present(fields.get(name), `${name} in meminfo`))
  })
}

/** Percent of the last ten seconds in which some, or all, had to wait. */
function pressure(of: 'cpu' | 'memory' | 'io', who: 'some' | 'full'): Metric {
  return fraction('%', async (look: Look) => {
    const text = await look.proc(`pressure/${of}`)
    const [, value] = new RegExp(`^${who} avg10=([\\d.]+)`, 'm').exec(text) ?? []
    return Number(present(value, `${who} in pressure/${of}`))
  })
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new NoSuchFigure(`no ${what}`)
  return value
}
