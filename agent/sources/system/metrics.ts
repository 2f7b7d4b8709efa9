import { counter, numbers } from './host.ts'
import { flag, fraction, type Metrics, whole } from './metric.ts'
import { processorMetrics } from './metrics-cpu.ts'
import { deviceMetrics } from './metrics-device.ts'
import { ownCpu, ownFiles } from './own.ts'

export const metrics: Metrics = {
  ...processorMetrics,
  ...deviceMetrics,
  /** Seconds since the kernel started. */
  uptime: fraction('s', async (look) => numbers(await look.proc('uptime'))[0]),
  'files.open': whole('', async (look) => numbers(await look.proc('sys/fs/file-nr'))[0]),
  'files.max': whole('', async (look) => numbers(await look.proc('sys/fs/file-nr'))[2]),
  entropy: whole('bit', async (look) => Number(await look.proc('sys/kernel/random/entropy_avail'))),
  'sockets.tcp': whole('', async (look) => {
    const text = await look.proc('net/sockstat')
    return Number(/^TCP: inuse (\d+)/m.exec(text)?.[1])
  }),
  'tcp.time_wait': whole('', async (look) =>
    Number(/^TCP: .*\btw (\d+)/m.exec(await look.proc('net/sockstat'))?.[1]),
  ),
  'memory.page_faults': whole('', (look) => counter(look, 'vmstat', 'pgmajfault')),
  /** Whether a time server, or the hub, has proven the time of this box. */
  'time.proven': flag(async ({ isTimeProven }) => isTimeProven),
  /** edgeward itself. */
  'edgeward.cpu': fraction('%', async (look) => ownCpu(look)),
  'edgeward.memory': whole('By', async () => process.memoryUsage.rss()),
  'edgeward.heap': whole('By', async () => process.memoryUsage().heapUsed),
  'edgeward.files': whole('', ownFiles),
  'edgeward.uptime': fraction('s', async () => Math.round(process.uptime() * 10) / 10),
  /** The longest time for which its event loop kept all others waiting, since the look before. */
  'edgeward.loop_delay': fraction('ms', async ({ loopDelayMs }) => loopDelayMs),
}
