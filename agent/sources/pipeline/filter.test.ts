import fc from 'fast-check'
import { expect, test } from 'vitest'
import { statusCode, type Value } from '../../../protocol/reading.ts'
import type { Sample } from '../source.ts'
import { type FilterRule, type FilterState, nothingSent, release, step, type Withheld } from './filter.ts'

interface Read {
  afterMs: number
  value: Value
  quality: number
}

interface Sent {
  at: number
  sample: Sample
}

/** What a filter does with samples that are read one after the other, as the pipeline would ask it. */
function filtered(rule: FilterRule, reads: readonly Read[]) {
  const sent: Sent[] = []
  const withheld: Withheld[] = []
  const states: { read: Sample; now: number; gapMs: number; isSent: boolean; state: FilterState }[] = []
  let state: FilterState = nothingSent
  let now = 0
  for (const { afterMs, value, quality } of reads) {
    now += afterMs
    const due = release(rule, state, now)
    if (due.send) sent.push({ at: now, sample: due.send })
    const read: Sample = { point: 'p', value, quality, time: now }
    const taken = step(rule, due.state, read, now)
    if (taken.send) sent.push({ at: now, sample: taken.send })
    withheld.push(...due.withheld, ...taken.withheld)
    state = taken.state
    states.push({ read, now, gapMs: afterMs, isSent: taken.send !== undefined, state })
  }
  return { sent, withheld, states, state, now }
}

const quality = fc.constantFrom(
  statusCode.good,
  statusCode.good,
  statusCode.good,
  statusCode.uncertain,
  statusCode.badNoData,
)
const reads = fc
  .array(
    fc.record({
      afterMs: fc.integer({ min: 1, max: 5_000 }),
      by: fc.double({ min: -2, max: 2, noNaN: true }),
      quality,
    }),
    {
      maxLength: 200,
    },
  )
  .map((steps) => {
    let level = 0
    return steps.map(({ afterMs, by, quality }): Read => {
      level += by
      return { afterMs, quality, value: quality === statusCode.badNoData ? null : level }
    })
  })
const rule = fc
  .record({
    trigger: fc.constantFrom('Status', 'StatusValue', 'StatusValueTimestamp'),
    band: fc.option(fc.double({ min: 0, max: 5, noNaN: true }), { nil: undefined }),
    minIntervalMs: fc.constantFrom(0, 700, 4_000),
    maxIntervalMs: fc.integer({ min: 4_000, max: 60_000 }),
  })
  .map(({ band, ...rule }): FilterRule => ({ ...rule, ...(band === undefined ? {} : { band }) }))

test('what is known at the far side never drifts beyond the band', () => {
  fc.assert(
    fc.property(reads, fc.double({ min: 0, max: 5, noNaN: true }), (given, band) => {
      const calm: FilterRule = { trigger: 'StatusValue', band, minIntervalMs: 0, maxIntervalMs: 60_000 }
      for (const { read, state } of filtered(calm, given).states)
        if (read.value !== null)
          expect(Math.abs(Number(read.value) - Number(state.sent?.value))).toBeLessThanOrEqual(band)
    }),
  )
})

test('a change of status passes every filter, at once', () => {
  fc.assert(
    fc.property(rule, reads, (given, samples) => {
      let known: number | undefined
      for (const { read, state, isSent } of filtered(given, samples).states) {
        if (read.quality !== known) expect(isSent).toBe(true)
        known = state.sent?.quality
      }
    }),
  )
})

test('a point that is read is sent once in the maximum interval, at the nearest read', () => {
  fc.assert(
    fc.property(rule, reads, (given, samples) => {
      for (const { isSent, state, now, gapMs } of filtered(given, samples).states)
        if (!isSent && state.pending === undefined && now - state.sentAt >= given.minIntervalMs)
          expect(now - state.sentAt + gapMs / 2).toBeLessThan(given.maxIntervalMs)
    }),
  )
})

test('values are not sent more often than the minimum interval, and the newest is not lost by it', () => {
  fc.assert(
    fc.property(rule, reads, (given, samples) => {
      const { sent, state, now } = filtered(given, samples)
      for (const [index, { at, sample }] of sent.entries()) {
        const before = sent[index - 1]
        if (before && before.sample.quality === sample.quality)
          expect(at - before.at).toBeGreaterThanOrEqual(given.minIntervalMs)
      }
      const last = samples.at(-1)
      if (last === undefined || given.trigger === 'Status') return
      const end = release(given, state, now + given.minIntervalMs)
      if (typeof last.value === 'number')
        expect(Math.abs(last.value - Number(end.state.sent?.value))).toBeLessThanOrEqual(given.band ?? 0)
    }),
  )
})

test('every reading is sent, held back with a reason, or waits', () => {
  fc.assert(
    fc.property(rule, reads, (given, samples) => {
      const { sent, withheld, state } = filtered(given, samples)
      expect(sent.length + withheld.length + (state.pending ? 1 : 0)).toBe(samples.length)
    }),
  )
})

const good = (...values: Value[]): Read[] =>
  values.map((value) => ({ afterMs: 1_000, value, quality: statusCode.good }))
const values = (sent: readonly Sent[]) => sent.map(({ sample }) => sample.value)
const plain: FilterRule = { trigger: 'StatusValue', minIntervalMs: 0, maxIntervalMs: 60_000 }

test('a slow drift is compared with what was sent, not with what was read', () => {
  const { sent, withheld } = filtered({ ...plain, band: 1 }, good(0, 0.6, 1.2, 1.8, 2.4))
  expect(values(sent)).toEqual([0, 1.2, 2.4])
  expect(withheld).toEqual(['deadband', 'deadband'])
})

test('text, booleans and whole numbers beyond 2^53 pass when they change', () => {
  expect(values(filtered(plain, good('a', 'a', 'b', true, true, false)).sent)).toEqual([
    'a',
    'b',
    true,
    false,
  ])
  const big = 2n ** 60n
  expect(values(filtered(plain, good(big, big, big + 1n)).sent)).toEqual([big, big + 1n])
  expect(values(filtered({ ...plain, band: 2 }, good(big, big + 2n, big + 3n)).sent)).toEqual([big, big + 3n])
})

test('a time that is not the one before is news to StatusValueTimestamp, unless there is a deadband', () => {
  const timed: FilterRule = { ...plain, trigger: 'StatusValueTimestamp' }
  expect(values(filtered(timed, good(1, 1, 1)).sent)).toEqual([1, 1, 1])
  expect(values(filtered({ ...timed, band: 1 }, good(1, 1, 1)).sent)).toEqual([1])
})

test('at a read each second, the heartbeat of a minute comes at the sixtieth read in spite of jitter', () => {
  const jittered = Array.from(
    { length: 200 },
    (_, k): Read => ({ afterMs: k % 2 ? 1_003 : 997, value: 1, quality: 0 }),
  )
  const { sent } = filtered(plain, jittered)
  const gaps = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0))
  expect(gaps).toEqual([60_000, 60_000, 60_000])
})

test('a value that comes too soon is sent when the minimum interval is over, with its own time', () => {
  const slow: FilterRule = { ...plain, minIntervalMs: 5_000 }
  const { sent, withheld, state } = filtered(slow, good(1, 2, 3))
  expect(values(sent)).toEqual([1])
  expect(withheld).toEqual(['rate'])
  expect(release(slow, state, 5_999).send).toBeUndefined()
  expect(release(slow, state, 6_000).send).toMatchObject({ value: 3, time: 3_000 })
})

test('a value that came too soon and went back is not sent', () => {
  const { sent, withheld, state } = filtered({ ...plain, minIntervalMs: 5_000 }, good(1, 2, 1))
  expect(values(sent)).toEqual([1])
  expect(withheld).toEqual(['rate', 'deadband'])
  expect(state.pending).toBeUndefined()
})
