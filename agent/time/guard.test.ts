import fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { statusCode } from '../../protocol/reading.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { correct } from './correct.ts'
import { createGuard, type Proof } from './guard.ts'

const log = pino({ level: 'silent' })
const floor = Date.UTC(2026, 10, 1)
const truth = Date.UTC(2026, 11, 24, 18)
const hour = 3_600_000
const day = 24 * hour

/** A box whose clock is off, and the hub's clock, which is right. */
function box({ offBy = 0 } = {}) {
  const running = manualClock(truth)
  const wall = { offBy }
  const clock = { ...running, now: () => running.now() + wall.offBy }
  const guard = createGuard({ clock, log }, { floor })
  const proofs: Proof[] = []
  guard.onProof((proof) => void proofs.push(proof))
  const told = (later = 0) => ({ time: running.now() + later, resolutionMs: 0, roundTripMs: 0 })
  return { guard, wall, proofs, advance: running.advance, trueNow: running.now, told }
}

test('a clock alone proves nothing, and one before the floor is not even shown', () => {
  const right = box()
  expect(right.guard.stamp()).toEqual({ time: truth, monotonic: 0 })
  expect(right.guard.status()).toMatchObject({ state: 'untrusted', offsetMs: 0 })
  const reset = box({ offBy: -truth })
  expect(reset.guard.now()).toBe(floor)
  expect(reset.guard.correctedNow()).toBeUndefined()
})

test.each([0, -truth, 13 * 365 * day])(
  'a clock that is off by %i ms is corrected by the hub',
  async (offBy) => {
    const { guard, told, proofs, advance, trueNow } = box({ offBy })
    await advance(5_000)
    expect(guard.heard(told())).toBe(offBy !== 0)
    expect(guard.stamp()).toEqual({ time: trueNow() })
    expect(guard.status()).toMatchObject({ state: 'trusted', source: 'hub', since: trueNow() })
    expect(guard.status().offsetMs + offBy).toBeCloseTo(0)
    expect(guard.correctedNow()).toBe(offBy === 0 ? undefined : trueNow())
    expect(proofs).toEqual([{ monotonic: 5_000, time: trueNow(), errorMs: 0 }])
  },
)

test.each([day, -day])(
  'once the hub has told the time, a step of the clock by %i ms changes nothing',
  async (step) => {
    const { guard, told, wall, advance, trueNow, proofs } = box()
    guard.heard(told())
    wall.offBy = step
    expect(guard.look()).toBe(true)
    expect(guard.look()).toBe(false)
    await advance(hour)
    expect(guard.stamp()).toEqual({ time: trueNow() })
    expect(guard.correctedNow()).toBe(trueNow())
    expect(proofs).toHaveLength(1)
  },
)

test('half of what a coarse or slow answer leaves open is its error, and the own clock is kept where it agrees', () => {
  const { guard, told, proofs } = box({ offBy: 400 })
  guard.heard({ ...told(-800), resolutionMs: 1000, roundTripMs: 600 })
  expect(proofs).toEqual([{ monotonic: 0, time: truth + 400, errorMs: 800 }])
})

test('a worse answer that agrees does not replace a better one; one that contradicts does', async () => {
  const { guard, told, advance, trueNow } = box({ offBy: -day })
  guard.heard(told())
  await advance(1_000)
  guard.heard({ ...told(-4_000), roundTripMs: 9_000 })
  expect(guard.now()).toBe(trueNow())
  guard.heard(told(30_000))
  expect(guard.now()).toBe(trueNow() + 30_000)
})

test('weeks without the hub make the time doubtful, until it tells again', async () => {
  const { guard, told, advance, proofs } = box({ offBy: day })
  guard.heard(told())
  await advance(2 * day)
  expect(guard.stamp().monotonic).toBeUndefined()
  await advance(40 * day)
  expect(guard.stamp().monotonic).toBe(42 * day)
  guard.look()
  expect(guard.status()).toMatchObject({ state: 'untrusted', offsetMs: -day })
  guard.heard(told())
  expect(guard.status().state).toBe('trusted')
  expect(proofs.map(({ monotonic }) => monotonic)).toEqual([0, 42 * day])
})

test('while NTP keeps the clock it is believed, until it is stepped', async () => {
  const { guard, wall, advance, proofs } = box()
  guard.setSynchronised(true)
  expect(guard.status()).toMatchObject({ state: 'trusted', source: 'ntp' })
  await advance(60 * day)
  expect(guard.stamp().monotonic).toBeUndefined()
  wall.offBy = 5_000
  expect(guard.stamp().monotonic).toBe(60 * day)
  expect(guard.look()).toBe(true)
  guard.setSynchronised(true) // it was NTP that stepped it
  expect(guard.stamp()).toEqual({ time: truth + 60 * day + 5_000 })
  expect(proofs).toHaveLength(2)
})

test('NTP is not believed before the floor, nor where the hub contradicts it', () => {
  const past = box({ offBy: floor - truth - day })
  past.guard.setSynchronised(true)
  expect(past.guard.status().state).toBe('untrusted')
  const { guard, told, trueNow } = box({ offBy: day })
  guard.setSynchronised(true)
  guard.heard(told())
  expect(guard.status()).toMatchObject({ source: 'hub', offsetMs: -day })
  expect(guard.now()).toBe(trueNow())
})

test('a time from a connection without verified dates is taken neither against a hub nor back behind the floor', () => {
  const { guard, told } = box({ offBy: -truth })
  expect(guard.heardUnproven(told(floor - truth - day))).toBe(false)
  expect(guard.heardUnproven(told())).toBe(true)
  expect(guard.correctedNow()).toBe(truth)
  expect(guard.status().state).toBe('untrusted')
  guard.heard(told())
  expect(guard.heardUnproven(told(30 * day))).toBe(false)
  expect(guard.now()).toBe(truth)
})

test('what it certainly is later than follows the floor while nothing is proven, and the hub then', async () => {
  const { guard, told, advance, trueNow } = box({ offBy: 20 * 365 * day })
  await advance(hour)
  expect(guard.earliest()).toBe(floor + hour)
  guard.heard(told())
  expect(guard.earliest()).toBe(trueNow())
})

const reading = { point: 'p', value: 1, quality: statusCode.good }

test('readings get the time that the proof gives them; far from it they are Uncertain; Bad stays Bad', () => {
  const proof = { monotonic: 50 * day, time: truth, errorMs: 500 }
  const corrected = correct(
    [
      { ...reading, time: 1, monotonic: 50 * day - hour },
      { ...reading, time: 2 },
      { ...reading, time: 3, monotonic: 0 },
      { ...reading, time: 4, monotonic: 0, quality: statusCode.badNoData },
    ],
    proof,
  )
  expect(corrected).toEqual([
    { ...reading, time: truth - hour },
    { ...reading, time: 2 },
    { ...reading, time: truth - 50 * day, quality: statusCode.uncertain },
    { ...reading, time: truth - 50 * day, quality: statusCode.badNoData },
  ])
})

test('without a proof readings keep their stamps and are Uncertain', () => {
  const stamped = { ...reading, time: 1, monotonic: 5 }
  expect(correct([stamped], undefined)).toEqual([{ ...stamped, quality: statusCode.uncertain }])
})

test('however the clock of the box jumps, every reading ends up with the true time', async () => {
  const jump = fc.integer({ min: -60 * 365 * day, max: 60 * 365 * day })
  await fc.assert(
    fc.asyncProperty(
      jump,
      fc.array(jump, { maxLength: 8 }),
      fc.nat({ max: 8 }),
      async (start, jumps, hubAt) => {
        const { guard, wall, told, advance, trueNow, proofs } = box({ offBy: start })
        const taken = []
        for (const [turn, offBy] of [start, ...jumps].entries()) {
          wall.offBy = offBy
          if (turn === Math.min(hubAt, jumps.length)) guard.heard(told())
          taken.push({ stamp: guard.stamp(), at: trueNow() })
          await advance(hour)
        }
        const times = correct(
          taken.map(({ stamp }) => ({ ...reading, ...stamp })),
          proofs.at(-1),
        ).map(({ time }) => time)
        for (const [k, time] of times.entries())
          expect(Math.abs(time - (taken[k]?.at ?? 0))).toBeLessThan(1_000)
      },
    ),
    { numRuns: 50 },
  )
})
