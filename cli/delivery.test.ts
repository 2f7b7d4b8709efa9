import { expect, test } from 'vitest'
import type { FlashStatus, GapPage, OutboxStatus } from '../agent/index.ts'
import { describeDelivery, describeGaps } from './delivery.ts'

const now = 1_800_000_000_000
const outbox: OutboxStatus = {
  ...{ epoch: '00'.repeat(8), batches: 0, readings: 0, newest: 0, bytes: 4_194_304, maxBytes: 1_073_741_824 },
  ...{ takenIn: 0, written: 0, acknowledged: 0, lost: {}, sources: [] },
  ...{ mode: 'spill', rates: { in: 0, written: 0, out: 0 } },
}
const shown = (change: Partial<OutboxStatus>, flash: FlashStatus = { reason: 'tmpfs' }) =>
  Object.fromEntries(
    describeDelivery({ ...outbox, ...change }, flash, now).flatMap(([label, value]) =>
      value === undefined ? [] : [[label.trim(), value]],
    ),
  )

test('an idle box says so in few lines', () => {
  expect(shown({})).toEqual({
    outbox: 'nothing waits; 4.2 MB of 1.1 GB on disk',
    mode: 'spill',
    rate: '0.0/s in, 0.0/s out, over the last minute',
    flash: 'not known: tmpfs',
  })
})

test('a backlog is shown with its age, its rates and what was lost', () => {
  const lines = shown({
    ...{ readings: 90_000, batches: 400, oldestAt: now - 3 * 3_600_000, lost: { quota: 12, crash: 0 } },
    ...{ rates: { in: 500, written: 125, out: 2.25 }, asOf: now - 1_000 },
  })
  expect(lines).toMatchObject({
    outbox: '90000 readings in 400 batches wait, the oldest for 3 h; 4.2 MB of 1.1 GB on disk',
    'as of': expect.stringContaining('busy with its disk'),
    mode: 'spill: 25 % of the last minute was written to disk, the rest acknowledged before',
    rate: '500/s in, 2.3/s out, over the last minute',
    lost: 'quota 12',
  })
})

test('what filters held back is not shown as lost', () => {
  const lines = shown({ lost: { deadband: 900, rate: 5, refused: 1 } })
  expect(lines).toMatchObject({ 'held back': 'deadband 900, rate 5', lost: 'refused 1' })
  expect(shown({ lost: { deadband: 900 } })).not.toHaveProperty('lost')
})

test('the flash is shown with what edgeward writes of it and how long it lasts', () => {
  const card = { device: 'mmcblk0', deviceBytesPerDay: 2.5e9, processBytesPerDay: 90e6 }
  expect(shown({}, { ...card, years: 6.3 }).flash).toBe(
    'mmcblk0: 2.5 GB a day by all programs, 90.0 MB of it by edgeward; lasts 6.3 years',
  )
  expect(shown({}, { ...card, years: 412 }).flash).toContain('more than 100 years')
  expect(shown({}, { device: 'mmcblk0' }).flash).toBe('mmcblk0: known after ten minutes')
})

test('losses are listed, and a source that does not balance stands out', () => {
  const page: GapPage = {
    gaps: [
      {
        ...{ id: 2, epoch: '0f'.repeat(8), source: 'press', first: 5, last: 9, count: 5, reason: 'quota' },
        ...{ since: now, until: now + 60_000 },
      },
      { id: 1, epoch: '0e'.repeat(8), reason: 'crash', since: now, until: now },
    ],
    sources: [
      { source: 'press', produced: 20, delivered: 10, waiting: 5, lost: { quota: 5 }, balanced: true },
      { source: 'saw', produced: 20, delivered: 10, waiting: 5, lost: {}, balanced: false },
    ],
  }
  const lines = describeGaps(page)
    .split('\n')
    .map((line) => line.split(/ {2,}/))
  expect(lines[1]?.slice(0, 6)).toEqual(['2', 'quota', 'press', '5', '5-9', '0f'.repeat(8)])
  expect(lines[2]?.slice(0, 6)).toEqual(['1', 'crash', '(all)', '?', '-', '0e'.repeat(8)])
  expect(lines[5]).toEqual(['press', '20', '10', '5', '5', 'exact'])
  expect(lines[6]).toEqual(['saw', '20', '10', '5', '0', 'DOES NOT BALANCE'])
  expect(describeGaps({ gaps: [], sources: [] })).toContain('no losses')
  expect(describeGaps({ ...page, next: 1 })).toContain('older ones: --json')
})
