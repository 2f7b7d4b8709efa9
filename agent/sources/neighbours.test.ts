import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { isBad, type Reading, statusCode } from '../../protocol/reading.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { createAlarms } from '../alarms.ts'
import type { Appended } from '../outbox/index.ts'
import { polling } from './device.ts'
import { createRunning } from './running.ts'
import { createSharing } from './shared.ts'
import { createTally } from './tally.ts'

/** Answers `read` after `answerMs`; rejects when that throws. */
interface Simulated {
  answerMs?: number
  check?(now: number): void
}

/** Sources of simulated devices that are read each second, on a clock that starts at 0. */
function plant(devices: Readonly<Record<string, Simulated>>) {
  const clock = manualClock(0)
  const log = pino({ level: 'silent' })
  const alarms = createAlarms({ clock, log })
  const kept: Reading[] = []
  const deps = {
    outbox: { append: async ({ readings }: Appended) => void kept.push(...readings), lose: () => {} },
    stamp: () => ({ time: clock.now() }),
    ...{ clock, log, alarms, network: openNetwork(), random: { ...systemRandom, fraction: () => 1 } },
    ...createSharing(),
  }
  const sources = Object.entries(devices).map(([name, { answerMs = 0, check }]) =>
    createRunning(
      {
        definition: { name, dataPoints: [] },
        ...{ protocol: 'simulated', priority: 'telemetry' },
        create: (context) => ({
          run: polling(
            context,
            { intervalMs: 1_000, timeoutMs: 6_000 },
            {
              connect: async () => check?.(clock.now()),
              async read(signal) {
                if (answerMs > 0) await clock.sleep(answerMs, signal)
                check?.(clock.now())
                return [{ point: name, value: 1, quality: statusCode.good, time: clock.now() }]
              },
              close: async () => {},
              unavailable: ({ reason }) => [
                {
                  point: name,
                  value: null,
                  quality: statusCode.badNoCommunication,
                  reason,
                  time: clock.now(),
                },
              ],
            },
          ),
        }),
      },
      deps,
    ),
  )
  const stop = new AbortController()
  const ended = Promise.all(sources.map((source) => source.run(stop.signal)))
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return {
    ...{ clock, alarms },
    of: (name: string) => kept.filter(({ point }) => point === name),
    stop: (name: string) => sources.find(({ definition }) => definition.name === name)?.stop(),
    status: (name: string) => sources.find(({ definition }) => definition.name === name)?.status(),
  }
}

const fail = (): never => {
  throw Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' })
}
const healthy = Array.from({ length: 20 }, (_, k) => `healthy-${k}`)

test('a dead, a slow and a flapping device cost their twenty neighbours nothing', async () => {
  const { clock, alarms, of, status } = plant({
    ...Object.fromEntries(healthy.map((name) => [name, {}])),
    dead: { check: fail },
    slow: { answerMs: 5_000 },
    flapping: { check: (now) => (now % 10_000 >= 8_000 ? fail() : undefined) },
  })
  await clock.advance(600_000)
  for (const name of healthy) {
    expect(of(name).map(({ time }) => time)).toEqual(Array.from({ length: 601 }, (_, k) => k * 1_000))
    expect(status(name)).toMatchObject({ state: 'good', overruns: 0, lateMs: { median: 0, max: 0 } })
  }
  expect(of('dead')).toHaveLength(1)
  expect(status('dead')).toMatchObject({
    ...{ state: 'dead', readings: 1, bad: { host_unreachable: 1 } },
    reason:
      'no route. Nobody answers at this address: check the address, the cable and that the device is on.',
  })
  // Each answer lasts five turns; the sixth begins as it ends.
  expect(of('slow').every(({ quality }) => quality === statusCode.good)).toBe(true)
  expect(status('slow')).toMatchObject({ state: 'good', readings: 120, overruns: 480 })
  const flaps = of('flapping')
  for (const [index, { quality }] of flaps.entries())
    if (isBad(quality)) expect(isBad(flaps[index + 1]?.quality ?? 0)).toBe(false)
  expect(flaps.some(({ quality }) => isBad(quality))).toBe(true)
  expect(alarms.standing().map(({ code }) => code)).toEqual(['source_dead:dead'])
})

test('a source that stays dead raises an alarm, which its return or its end clears', async () => {
  let isDead = true
  const check = () => (isDead ? fail() : undefined)
  const { clock, alarms, status, stop } = plant({ press: { check }, removed: { check: fail } })
  await clock.advance(9_999)
  expect(alarms.standing()).toEqual([])
  await clock.advance(1)
  expect(alarms.standing()).toMatchObject([
    { code: 'source_dead:press', message: expect.stringMatching(/^press: no route\. Nobody answers/) },
    { code: 'source_dead:removed' },
  ])
  stop('removed')
  expect(alarms.standing()).toMatchObject([{ code: 'source_dead:press' }])
  expect(status('press')?.state).toBe('dead')
  isDead = false
  await clock.advance(61_000)
  expect(alarms.standing()).toEqual([])
})

test('an attempt to connect is no sign of life', () => {
  const tally = createTally(manualClock())
  tally.device({ at: 'connecting' })
  expect(tally.health()).toEqual({ state: 'connecting' })
  tally.device({ at: 'failing', reason: 'timeout', message: 'no answer' })
  tally.device({ at: 'connecting' })
  expect(tally.health()).toEqual({ state: 'dead', reason: 'no answer' })
  tally.device({ at: 'connected' })
  expect(tally.health()).toEqual({ state: 'starting' })
})

test('the status says how late the newest turns began', () => {
  const tally = createTally(manualClock())
  expect(tally.status()).not.toHaveProperty('lateMs')
  tally.turned({ lateMs: 900, overruns: 3, intervalMs: 1_000 })
  for (let k = 0; k < 128; k++) tally.turned({ lateMs: k / 100, overruns: 0, intervalMs: 1_000 })
  expect(tally.status()).toMatchObject({ overruns: 3, lateMs: { median: 0.64, max: 1.27 } })
})
