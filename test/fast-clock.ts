import { type Clock, systemClock } from '../core/clock.ts'

/** Real time that runs so many times faster: minutes of waiting pass while real threads and disks work. */
export function fastClock(speed: number): Clock {
  const start = { now: systemClock.now(), monotonic: systemClock.monotonic() }
  const elapsed = () => (systemClock.monotonic() - start.monotonic) * speed
  return {
    now: () => Math.round(start.now + elapsed()),
    monotonic: () => start.monotonic + elapsed(),
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  }
}
