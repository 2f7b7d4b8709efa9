import { expect, test } from 'vitest'
import { Unreachable } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { statusCode } from '../../protocol/reading.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { type Device, polling } from './device.ts'
import { DeviceError, deviceError } from './device-error.ts'
import type { Turn } from './schedule.ts'
import type { Sample } from './source.ts'
import { testContext } from './test-context.ts'

/** A device that answers after `answerMs`, or does what `fault` says. */
function polled(options: { intervalMs?: number; timeoutMs?: number } = {}) {
  const clock = manualClock(0)
  const device = { answerMs: 0, fault: undefined as Error | undefined, isDeaf: false }
  const turns: Turn[] = []
  const calls = { connect: 0, read: 0, close: 0 }
  const { context, stored, reported } = testContext({
    clock,
    random: { ...systemRandom, fraction: () => 1 },
    turned: (turn) => void turns.push(turn),
  })
  const face: Device = {
    async connect() {
      calls.connect++
      if (device.fault) throw device.fault
    },
    async read(signal) {
      calls.read++
      if (device.isDeaf) await new Promise(() => {}) // does not even listen to its signal
      if (device.fault) throw device.fault
      if (device.answerMs > 0) await clock.sleep(device.answerMs, signal)
      return [{ point: 'p', value: calls.read, quality: statusCode.good, time: clock.now() }]
    },
    async close() {
      calls.close++
    },
    unavailable: (error) => [
      {
        point: 'p',
        value: null,
        quality: statusCode.badNoCommunication,
        reason: error.reason,
        time: clock.now(),
      },
    ],
  }
  const stop = new AbortController()
  const poll = polling(context, { intervalMs: 1_000, timeoutMs: 500, ...options }, face)
  const ended = poll(stop.signal).catch((error: unknown) => error)
  return {
    ...{ clock, device, turns, calls, stored, reported },
    async stop() {
      stop.abort()
      return ended
    },
  }
}

const times = (samples: readonly Sample[]) => samples.map(({ time }) => time)

test('a device is read at the multiples of the interval, whatever the read takes', async () => {
  const { clock, device, stored, turns, reported, stop } = polled()
  device.answerMs = 137
  await clock.advance(3_500)
  await stop()
  expect(times(stored)).toEqual([137, 1_137, 2_137, 3_137])
  expect(turns).toEqual(Array(4).fill({ lateMs: 0, overruns: 0, intervalMs: 1_000 }))
  expect(reported.map(({ at }) => at)).toEqual(['connecting', ...Array(4).fill('connected')])
})

test('a read that overruns skips the turns it missed, which are counted, and stays on schedule', async () => {
  const { clock, device, stored, turns, stop } = polled({ timeoutMs: 5_000 })
  device.answerMs = 2_300
  await clock.advance(9_000)
  await stop()
  expect(times(stored)).toEqual([2_300, 5_300, 8_300])
  expect(turns.map(({ overruns }) => overruns)).toEqual([0, 2, 2, 2])
})

test('a device that is dead turns Bad once, is asked ever more rarely, and comes back by itself', async () => {
  const { clock, device, stored, reported, calls, stop } = polled()
  await clock.advance(1_100)
  device.fault = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:502'), { code: 'ECONNREFUSED' })
  await clock.advance(3_600_000)
  expect(stored.map(({ value }) => value)).toEqual([1, 2, null])
  expect(reported.at(-1)).toMatchObject({ at: 'failing', reason: 'connection_refused' })
  // 1, 2, 4 … 32 s, then once a minute: never at its own interval of a second.
  expect(calls.read + calls.connect).toBeLessThan(70)
  const before = calls.close
  expect(before).toBe(calls.connect)

  device.fault = undefined
  await clock.advance(62_000)
  const since = clock.monotonic() - 62_000
  const [first = 0, second = 0, ...more] = times(stored).filter((time) => time > since)
  expect(first - since).toBeLessThanOrEqual(60_000)
  // Read at once when it is back, then again on the schedule it had.
  expect([second, ...more].map((time) => time % 1_000)).toEqual([second, ...more].map(() => 0))
  expect(reported.at(-1)).toEqual({ at: 'connected' })
  await stop()
})

test('another reason is said again', async () => {
  const { clock, device, stored, stop } = polled()
  device.fault = new DeviceError('a', 'a', { cure: 'a' })
  await clock.advance(1_500)
  device.fault = new DeviceError('b', 'b', { cure: 'b' })
  await clock.advance(600_000)
  await stop()
  expect(stored.map(({ reason }) => reason)).toEqual(['a', 'b'])
})

test('a read that never ends is given up after the time-out, and the device is closed', async () => {
  const { clock, device, reported, calls, stop } = polled()
  device.isDeaf = true
  await clock.advance(600)
  expect(reported.at(-1)).toMatchObject({ at: 'failing', reason: 'timeout' })
  expect(reported.at(-1)).toHaveProperty(
    'message',
    'the device did not answer within 500 ms. Check that it is on and reachable, and its address; a slow one needs a longer timeout.',
  )
  expect(calls).toMatchObject({ connect: 1, close: 1 })
  device.isDeaf = false
  await clock.advance(1_000)
  expect(calls.connect).toBe(2)
  expect(reported.at(-1)).toEqual({ at: 'connected' })
  await stop()
})

test('a device that is stopped in the middle of a read is closed, and nothing is stored', async () => {
  const { clock, device, stored, reported, calls, stop } = polled()
  device.answerMs = 400
  await clock.advance(100)
  expect(await stop()).toMatchObject({ name: 'AbortError' })
  expect(calls.close).toBe(1)
  expect(stored).toEqual([])
  expect(reported).toEqual([{ at: 'connecting' }])
})

test('what a socket threw is put into words, also below other errors', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  expect(deviceError(refused)).toMatchObject({
    reason: 'connection_refused',
    message: 'connect ECONNREFUSED',
  })
  const above = new Unreachable('plc:502', 'connect', 'refused', { cause: new AggregateError([refused]) })
  expect(deviceError(above)).toMatchObject({ reason: 'connection_refused', cause: above })
  expect(deviceError(new Unreachable('plc:502', 'tls', 'odd'))).toMatchObject({ reason: 'unreachable_tls' })
  expect(deviceError(new TypeError('a bug'))).toMatchObject({ reason: 'device_failed', message: 'a bug' })
  const own = new DeviceError('wrong_unit', 'no unit 7', { cure: 'Check the unit id.' })
  expect(deviceError(own)).toBe(own)
})
