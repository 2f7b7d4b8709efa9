import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { createAlarms } from './alarms.ts'
import type { OutboxStats } from './outbox/index.ts'
import { openOutboxView } from './outbox-view.ts'

const empty: OutboxStats = {
  ...{ epoch: '00'.repeat(8), batches: 0, readings: 0, newest: 0, bytes: 0, maxBytes: 1e9 },
  ...{ takenIn: 0, written: 0, acknowledged: 0, lost: {}, sources: [] },
}

/** A view, run until the test ends, of an outbox that can be held up. */
async function viewed() {
  const clock = manualClock()
  const alarms = createAlarms({ clock, log: pino({ level: 'silent' }) })
  const outbox = { stats: { ...empty }, stall: undefined as Promise<void> | undefined, asked: 0 }
  const view = await openOutboxView(
    {
      outbox: {
        async stats() {
          outbox.asked++
          await outbox.stall
          return { ...outbox.stats }
        },
      },
      ...{ alarms, clock },
    },
    { mode: 'spill' },
  )
  const stop = new AbortController()
  const ended = view.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { clock, alarms, outbox, view }
}

test('what is shown is what the outbox says at that moment', async () => {
  const { outbox, view } = await viewed()
  for (const readings of [1, 2, 3]) {
    outbox.stats.readings = readings
    const [first, second] = await Promise.all([view.status(), view.status()])
    expect(first).toMatchObject({ readings, mode: 'spill' })
    expect(second).toMatchObject({ readings })
    expect(first).not.toHaveProperty('asOf')
  }
})

test('rates are those of the last minute', async () => {
  const { clock, outbox, view } = await viewed()
  for (let k = 1; k <= 30; k++) {
    outbox.stats.takenIn += k <= 20 ? 1_000 : 50
    outbox.stats.written += k <= 20 ? 1_000 : 20
    outbox.stats.acknowledged += 100
    await clock.advance(10_000)
  }
  expect((await view.status()).rates).toEqual({
    in: expect.closeTo(5, 0),
    written: expect.closeTo(2, 0),
    out: expect.closeTo(10, 0),
  })
})

test('while the disk holds the outbox up, its last word is shown with its moment, soon', async () => {
  const { clock, outbox, view } = await viewed()
  outbox.stats.readings = 7
  await view.status()
  const before = clock.now()
  const stall = Promise.withResolvers<void>()
  outbox.stall = stall.promise
  const answer = view.status()
  await clock.advance(1_500)
  expect(await answer).toMatchObject({ readings: 7, asOf: before })
  stall.resolve()
  outbox.stats.readings = 8
  expect(await view.status()).toMatchObject({ readings: 8 })
})

test('an outbox that stays silent is an alarm until it answers, and is not asked over and over', async () => {
  const { clock, alarms, outbox, view } = await viewed()
  const stall = Promise.withResolvers<void>()
  outbox.stall = stall.promise
  await clock.advance(29_000)
  expect(alarms.standing()).toEqual([])
  for (let k = 0; k < 20; k++) {
    const answer = view.status()
    await clock.advance(2_000)
    await answer
  }
  expect(alarms.standing()).toMatchObject([{ code: 'outbox_silent' }])
  expect(view.silentMs()).toBeGreaterThan(30_000)
  expect(outbox.asked).toBeLessThan(6)
  stall.resolve()
  await clock.advance(15_000)
  await vi.waitFor(() => expect(alarms.standing()).toEqual([]), { interval: 5, timeout: 15_000 })
  expect(view.silentMs()).toBeLessThan(30_000)
})
