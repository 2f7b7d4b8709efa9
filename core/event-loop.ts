import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from './clock.ts'

/** How promptly this process gets to its work. */
export interface EventLoop extends Disposable {
  /** Of the last half minute to minute, in seconds; undefined until something was measured. */
  delay(): { p99: number; max: number } | undefined
  /** What it says when the loop stood still lately; undefined when it did not. */
  fault(): string | undefined
  /** Begins a new span now and then, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

/** What `perf_hooks` measures with: in nanoseconds. */
export interface DelayMonitor {
  enable(): unknown
  disable(): unknown
  reset(): void
  percentile(percent: number): number
  readonly max: number
  readonly count: number
}

/** Finer would wake an idle box more often than it is worth. */
const resolutionMs = 50
const spanMs = 30_000
/** Longer than any request waits for its answer. */
const stallSeconds = 5

export function watchEventLoop({
  clock,
  monitor = monitorEventLoopDelay({ resolution: resolutionMs }),
}: {
  clock: Clock
  monitor?: DelayMonitor
}): EventLoop {
  let before: { p99: number; max: number } | undefined
  monitor.enable()

  const delay: EventLoop['delay'] = () => {
    const now = monitor.count === 0 ? undefined : measured(monitor)
    if (before === undefined || now === undefined) return now ?? before
    return { p99: Math.max(before.p99, now.p99), max: Math.max(before.max, now.max) }
  }
  return {
    delay,
    fault() {
      const { max = 0 } = delay() ?? {}
      return max < stallSeconds ? undefined : `the process stood still for ${max.toFixed(1)} s lately`
    },
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(spanMs, signal).catch(() => {}) // aborted: the loop ends
        before = monitor.count === 0 ? undefined : measured(monitor)
        monitor.reset()
      }
    },
    [Symbol.dispose]: () => void monitor.disable(),
  }
}

/** The monitor counts its own interval, too. */
const measured = (monitor: DelayMonitor) => ({
  p99: late(monitor.percentile(99)),
  max: late(monitor.max),
})
const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000)
