import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EdgeError, NotFound } from './errors.ts'
import { systemRandom } from './random.ts'
import { backoffMs, retrying } from './retry.ts'

class Busy extends EdgeError {
  override readonly name = 'Busy'
  readonly code = 'busy'
  override readonly retryable = true
}

const policy = { initialMs: 100, maxMs: 5_000 }
const random = { ...systemRandom, fraction: () => 0.5 }

function clockThatSkips() {
  const slept: number[] = []
  return {
    slept,
    clock: { now: () => 0, monotonic: () => 0, sleep: async (ms: number) => void slept.push(ms) },
  }
}

test('a delay stays between a tenth of its step and the maximum', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, fraction) => {
        const delay = backoffMs(attempt, policy, { ...random, fraction: () => fraction })
        const step = Math.min(policy.maxMs, policy.initialMs * 2 ** Math.min(attempt, 30))
        expect(delay).toBeGreaterThanOrEqual(Math.floor(step / 10))
        expect(delay).toBeLessThanOrEqual(policy.maxMs)
      },
    ),
  )
})

test('a retryable failure is tried again with growing delays until it succeeds', async () => {
  const { slept, clock } = clockThatSkips()
  const action = async (attempt: number) => {
    if (attempt < 3) throw new Busy('not yet')
    return attempt
  }
  expect(await retrying(action, policy, { clock, random }, new AbortController().signal)).toBe(3)
  expect(slept).toEqual([55, 110, 220])
})

test('any other failure is rethrown at once, and an abort ends the retries', async () => {
  const { slept, clock } = clockThatSkips()
  const { signal } = new AbortController()
  const gone = retrying(() => Promise.reject(new NotFound('gone')), policy, { clock, random }, signal)
  await expect(gone).rejects.toThrow('gone')
  expect(slept).toEqual([])
  const stopped = AbortSignal.abort(new Error('stopped'))
  await expect(
    retrying(() => Promise.reject(new Busy('busy')), policy, { clock, random }, stopped),
  ).rejects.toThrow('stopped')
})

test('who asks for a pause is given it, and no less than the back-off', async () => {
  const { slept, clock } = clockThatSkips()
  class Asking extends Busy {
    override readonly retryAfterMs: number
    constructor(retryAfterMs: number) {
      super('later')
      this.retryAfterMs = retryAfterMs
    }
  }
  const pauses = [9_000, 1]
  const action = async (attempt: number) => {
    const pause = pauses[attempt]
    if (pause !== undefined) throw new Asking(pause)
  }
  await retrying(action, policy, { clock, random }, new AbortController().signal)
  expect(slept).toEqual([9_000, 110])
})
