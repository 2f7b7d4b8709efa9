import { expect, test } from 'vitest'
import { aborted } from '../../core/tasks.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { createLives } from './lives.ts'

/** Something that runs until aborted, and then takes a while to let go. */
function lasting(log: string[], name: string, letGo: () => Promise<void> = async () => {}) {
  return {
    async run(signal: AbortSignal) {
      log.push(`${name} begins`)
      await aborted(signal)
      await letGo()
      log.push(`${name} has ended`)
    },
  }
}

test('a source begins when the one that it replaces has let go of the device', async () => {
  const clock = manualClock()
  const log: string[] = []
  const lives = createLives({ clock })
  const [first, second] = [new AbortController(), new AbortController()]
  const old = lasting(log, 'old', () => clock.sleep(2_000))
  lives.begin(old, first.signal)
  first.abort()
  lives.begin(lasting(log, 'new'), second.signal, old)
  await clock.advance(1_999)
  expect(log).toEqual(['old begins'])
  await clock.advance(1)
  expect(log).toEqual(['old begins', 'old has ended', 'new begins'])
  second.abort()
  await lives.ended()
  expect(log.at(-1)).toBe('new has ended')
})

test('it does not wait for one that never lets go', async () => {
  const clock = manualClock()
  const log: string[] = []
  const lives = createLives({ clock })
  const stop = new AbortController()
  const stuck = lasting(log, 'stuck', () => new Promise(() => {}))
  lives.begin(stuck, AbortSignal.abort())
  lives.begin(lasting(log, 'new'), stop.signal, stuck)
  await clock.advance(5_000)
  expect(log).toEqual(['stuck begins', 'new begins'])
  stop.abort()
})
