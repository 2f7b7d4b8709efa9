import { expect, onTestFinished, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { type DelayMonitor, watchEventLoop } from './event-loop.ts'

/** What the loop did is said by the test. */
function monitored() {
  const monitor = { p99: 0, max: 0, count: 0 }
  const asked: DelayMonitor = {
    enable() {},
    disable() {},
    reset: () => void Object.assign(monitor, { p99: 0, max: 0, count: 0 }),
    percentile: () => monitor.p99,
    get max() {
      return monitor.max
    },
    get count() {
      return monitor.count
    },
  }
  const clock = manualClock()
  const loop = watchEventLoop({ clock, monitor: asked })
  const stop = new AbortController()
  const running = loop.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  const measured = (p99: number, max: number) => void Object.assign(monitor, { p99, max, count: 9 })
  return { clock, loop, measured }
}

const ms = 1e6

test('a delay is told without the interval of who measures it, and for two spans at most', async () => {
  const { clock, loop, measured } = monitored()
  expect(loop.delay()).toBeUndefined()
  measured(60 * ms, 70 * ms)
  expect(loop.delay()?.p99).toBeCloseTo(0.01)
  expect(loop.delay()?.max).toBeCloseTo(0.02)
  await clock.advance(30_000)
  measured(50 * ms, 50 * ms)
  expect(loop.delay()?.max).toBeCloseTo(0.02)
  await clock.advance(30_000)
  expect(loop.delay()).toEqual({ p99: 0, max: 0 })
})

test('a process that stood still says so for half a minute or a whole one, and not for less than seconds', async () => {
  const { clock, loop, measured } = monitored()
  measured(60 * ms, 4_000 * ms)
  expect(loop.fault()).toBeUndefined()
  measured(60 * ms, 6_250 * ms)
  expect(loop.fault()).toBe('the process stood still for 6.2 s lately')
  await clock.advance(30_000)
  expect(loop.fault()).toMatch(/stood still/)
  await clock.advance(30_000)
  expect(loop.fault()).toBeUndefined()
})

test('the real monitor sees a loop that is held up', async () => {
  using loop = watchEventLoop({ clock: manualClock() })
  await expect
    .poll(
      () => {
        const end = performance.now() + 100
        while (performance.now() < end); // holds it up
        return loop.delay()?.max ?? 0
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(0.01)
})
