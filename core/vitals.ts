import { readdirSync, readFileSync } from 'node:fs'
import type { Clock } from './clock.ts'
import { watchEventLoop } from './event-loop.ts'
import { counter, type Gauge, moment, number } from './gauge.ts'
import { release } from './release.ts'

/** The process itself: the same for the gateway and the hub. */
export interface Vitals extends Disposable {
  gauges(): Gauge[]
  /** In words. */
  faults(): string[]
  run(signal: AbortSignal): Promise<void>
}

export function createVitals({ clock }: { clock: Clock }): Vitals {
  const loop = watchEventLoop({ clock })
  const openedAt = clock.monotonic()
  const startedAt = clock.now() - process.uptime() * 1000
  return {
    gauges: () => [
      {
        name: 'edgeward_build_info',
        help: 'Always 1; its labels say which release runs on which Node.',
        samples: [{ labels: { version: release, node: process.versions.node }, value: 1 }],
      },
      number(
        'edgeward_uptime_seconds',
        'How long the stores have been open, by a clock that never steps.',
        (clock.monotonic() - openedAt) / 1000,
      ),
      ...processGauges(startedAt),
      number(
        'nodejs_eventloop_delay_p99_seconds',
        'How late the event loop got to its work: of a hundred times the worst but one, lately.',
        loop.delay()?.p99,
      ),
      number(
        'nodejs_eventloop_delay_max_seconds',
        'The longest that the event loop stood still, lately.',
        loop.delay()?.max,
      ),
    ],
    faults: () => [loop.fault()].filter((fault) => fault !== undefined),
    run: loop.run,
    [Symbol.dispose]: loop[Symbol.dispose],
  }
}

function processGauges(startedAt: number): Gauge[] {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return [
    counter('process_cpu_seconds_total', 'User and system time, all threads.', (user + system) / 1e6),
    moment('process_start_time_seconds', 'When the process started.', startedAt),
    number('process_resident_memory_bytes', 'Memory in use, as the kernel sees it.', rss),
    number('nodejs_heap_used_bytes', 'Memory in use by the main thread for objects.', heapUsed),
    number('process_open_fds', 'Open files, sockets among them.', openFiles()),
    number('process_max_fds', 'How many files may be open.', mostFiles()),
  ]
}

/** Read at once: /proc is memory, and a disk that hangs must not hold up who asks. */
function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return undefined // not a Linux
  }
}

function mostFiles(): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? undefined : Number(limit)
  } catch {
    return undefined
  }
}
