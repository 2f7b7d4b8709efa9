import { expect, test } from 'vitest'
import { createSessionTime } from './session-time.ts'

/** A machine whose clock can be set, and that can be switched off. */
function machine() {
  let elapsed = 5_000
  let clockAt = Date.UTC(2026, 0, 1)
  let boot = 1
  let mark: string | undefined
  const clock = { now: () => clockAt, monotonic: () => elapsed, sleep: async () => {} }
  let time = createSessionTime({ clock, bootId: `boot ${boot}` }, undefined)
  const restart = () => {
    time = createSessionTime({ clock, bootId: `boot ${boot}` }, mark)
  }
  return {
    now: () => time.now(),
    onClock: (at: number) => time.onClock(at),
    keep: () => {
      mark = time.mark()
    },
    pass(ms: number) {
      elapsed += ms
      clockAt += ms
    },
    set(ms: number) {
      clockAt += ms
    },
    restart,
    /** Off for so long; the clock then shows so much more or less than it should. */
    reboot(offMs: number, clockError: number) {
      boot++
      elapsed = 900_000 // it may be up for longer than the last time
      clockAt += offMs + clockError
      restart()
    },
  }
}

test('setting the clock changes nothing, and neither does a restart of the daemon after it', () => {
  const box = machine()
  const start = box.now()
  box.keep()
  box.pass(1_000)
  box.set(-86_400_000)
  expect(box.now() - start).toBe(1_000)
  box.set(10 * 86_400_000)
  box.pass(1_000)
  box.restart()
  expect(box.now() - start).toBe(2_000)
})

test('while the machine was off, time passed by its clock, if that has gone forward', () => {
  const box = machine()
  const start = box.now()
  box.keep()
  box.reboot(60_000, 0)
  expect(box.now() - start).toBe(60_000)
  box.keep()
  box.reboot(60_000, -86_400_000)
  expect(box.now() - start).toBe(60_000)
  box.pass(500)
  expect(box.now() - start).toBe(60_500)
})

test('what the clock shows at a session time follows the clock', () => {
  const box = machine()
  const inAnHour = box.now() + 3_600_000
  const before = box.onClock(inAnHour)
  box.set(7_000)
  expect(box.onClock(inAnHour) - before).toBe(7_000)
})
