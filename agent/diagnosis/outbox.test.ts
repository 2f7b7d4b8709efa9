import { expect, test } from 'vitest'
import type { OutboxStatus } from '../outbox-view.ts'
import { describeFlash, describeOutbox } from './outbox.ts'

const now = 1_000_000_000
const calm: OutboxStatus = {
  ...{ epoch: '00'.repeat(8), batches: 2, readings: 30, newest: 2, bytes: 4_000_000, maxBytes: 100_000_000 },
  ...{ takenIn: 0, written: 0, acknowledged: 0, lost: {}, sources: [] },
  ...{ mode: 'spill', rates: { in: 0, written: 0, out: 0 }, oldestAt: now - 60_000 },
}
const hour = 3_600_000

test.each<[what: string, change: Partial<OutboxStatus>, alarms: string[], status: string, cause: RegExp]>([
  ['a fresh backlog', {}, [], 'ok', /^30 readings in 2 batches wait, 4000000 of 100000000 bytes/],
  ['losses by a filter', { lost: { deadband: 9 } }, [], 'ok', /wait/],
  ['an old backlog', { oldestAt: now - 5 * hour }, [], 'warning', /waited for 5 hours/],
  ['losses for want of room', { lost: { quota: 7, age: 1 } }, [], 'warning', /^8 readings were lost/],
  ['hardly any room', { bytes: 95_000_000 }, [], 'warning', /nearly full/],
  ['an alarm', { bytes: 95_000_000 }, ['disk_full'], 'failed', /^said disk_full; 30 readings/],
  ['several alarms', {}, ['outbox_quarantined', 'x'], 'failed', /and 1 more alarms/],
])('the outbox with %s', (_what, change, codes, status, cause) => {
  const alarms = codes.map((code) => ({
    ...{ code, message: `said ${code}`, raisedAt: now },
    ...{ id: '1', severity: 'MAJOR' as const, count: 1, lastAt: now },
  }))
  const found = describeOutbox({ ...calm, ...change }, alarms, now)
  expect(found).toMatchObject({ status, cause: expect.stringMatching(cause) })
  if (status !== 'ok') expect(found.cure).toBeTypeOf('string')
})

test('a card that will not last is a warning; one that is not known is not judged', () => {
  const card = { device: 'mmcblk0', deviceBytesPerDay: 20e9 }
  expect(describeFlash({ ...card, years: 0.8 })).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('0.8 years'),
  })
  expect(describeFlash({ ...card, years: 12 }).status).toBe('ok')
  expect(describeFlash({ device: 'mmcblk0', deviceBytesPerDay: 0 }).status).toBe('ok')
  expect(describeFlash({ device: 'mmcblk0' }).status).toBe('skipped')
  expect(describeFlash({ reason: 'the state is on no block device of its own' }).status).toBe('skipped')
})
