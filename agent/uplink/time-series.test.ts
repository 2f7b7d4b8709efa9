import { expect, test } from 'vitest'
import type { Runs } from '../../protocol/columns.ts'
import type { Reading } from '../../protocol/reading.ts'
import { countLeftOut, toTimeSeries } from './time-series.ts'

const at = Date.UTC(2026, 10, 21, 10)

const reading = (point: string, value: Reading['value'], more: Partial<Reading> = {}): Reading => ({
  ...{ point, value, quality: 0, time: at },
  ...more,
})
const run = (source: string, ...readings: Reading[]) => ({ source, first: 1, readings })
const samplings = (batches: Runs[], maxBytes = 100_000) =>
  toTimeSeries(batches, maxBytes).map((piece) => JSON.parse(`[${piece}]`))

test('values of one source and one timestamp go together, also across batches', () => {
  const [pieces] = samplings([
    [run('pump', reading('a', 1), reading('b', true)), run('oven', reading('c', 'x'))],
    [run('pump', reading('d', 2n ** 60n), reading('a', 1.5, { time: at + 1 }))],
  ])
  const value = (dataPointId: string, text: string) => ({ dataPointId, value: text, qualityCode: '00000000' })
  expect(pieces).toEqual([
    {
      timestamp: '2026-11-21T10:00:00.000Z',
      values: [value('a', '1'), value('b', 'true'), value('d', '1152921504606846976')],
    },
    { timestamp: '2026-11-21T10:00:00.000Z', values: [value('c', 'x')] },
    { timestamp: '2026-11-21T10:00:00.001Z', values: [value('a', '1.5')] },
  ])
})

test('quality is the OPC UA status, Uncertain where the time is not proven', () => {
  const [pieces] = samplings([
    [
      run(
        'pump',
        reading('a', 1, { quality: 0x80050000 }),
        reading('b', 1, { monotonic: 5 }),
        reading('c', 1, { quality: 0x80050000, monotonic: 5 }),
      ),
    ],
  ])
  expect(pieces[0].values.map(({ qualityCode }: { qualityCode: string }) => qualityCode)).toEqual([
    '80050000',
    '40000000',
    '80050000',
  ])
})

test('readings without a value are left out and counted, the later of two in a millisecond stands', () => {
  const batches = [[run('pump', reading('a', 1), reading('b', null), reading('a', 2))]]
  expect(countLeftOut(batches)).toBe(1)
  expect(samplings(batches)[0][0].values).toMatchObject([{ dataPointId: 'a', value: '2' }])
  expect(samplings([[run('pump', reading('b', null))]])).toEqual([])
})

test('pieces keep within the size, but a sampling is never parted', () => {
  const many = Array.from({ length: 50 }, (_, k) => reading('ä', k, { time: at + k }))
  const pieces = toTimeSeries([[run('pump', ...many)]], 500)
  expect(pieces.length).toBeGreaterThan(8)
  for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(500)
  expect(pieces.flatMap((piece) => JSON.parse(`[${piece}]`))).toHaveLength(50)
  expect(toTimeSeries([[run('pump', reading('a', 'x'.repeat(900)))]], 500)).toHaveLength(1)
})
