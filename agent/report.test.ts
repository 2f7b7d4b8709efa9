import { expect, test } from 'vitest'
import { parseAgentReport } from '../protocol/agent-report.ts'
import type { Alarm } from './alarms.ts'
import type { OutboxStatus } from './outbox-view.ts'
import { agentReport } from './report.ts'

const outbox: OutboxStatus = {
  ...{ epoch: '00'.repeat(8), batches: 2, readings: 30, newest: 2, bytes: 4_000, maxBytes: 100_000 },
  ...{ takenIn: 0, written: 0, acknowledged: 0, lost: { quota: 3 }, sources: [] },
  ...{ mode: 'spill', rates: { in: 0, written: 0, out: 0 } },
}
const source = { protocol: 'mqtt', readings: 1, bad: {}, refused: 0, lost: 0, withheld: 0, overruns: 0 }

const nothing = { alarms: [], events: [], audit: undefined }
const alarm = (more: Partial<Alarm>): Alarm => ({
  ...{
    code: 'disk_full',
    message: 'no room',
    raisedAt: 7,
    id: '1',
    severity: 'CRITICAL',
    count: 1,
    lastAt: 7,
  },
  ...more,
})

test('the report is what the hub expects, with and without what may be unknown', () => {
  const bare = agentReport({ time: 1, outbox, flash: { reason: 'tmpfs' }, sources: [], ...nothing })
  expect(parseAgentReport(JSON.parse(JSON.stringify(bare)), 'report')).toEqual({
    time: 1,
    release: expect.stringMatching(/^\d+\.\d+\.\d+/),
    outbox: { readings: 30, bytes: 4_000, lost: { quota: 3 } },
    sources: [],
    alarms: [],
    events: [],
  })
  const full = agentReport({
    time: 2,
    outbox: { ...outbox, oldestAt: 5 },
    flash: { device: 'mmcblk0', deviceBytesPerDay: 1e9, years: 3.5 },
    sources: [
      { ...source, name: 'press', state: 'good' },
      { ...source, name: 'saw', state: 'dead', reason: 'cable pulled' },
    ],
    alarms: [alarm({}), alarm({ id: '2', clearedAt: 8 })],
    events: [{ id: 3, type: 'started', source: 'device', text: 't'.repeat(1_000), time: 5 }],
    audit: { id: 9, hash: 'ab', key: 'cd' },
  })
  expect(parseAgentReport(JSON.parse(JSON.stringify(full)), 'report')).toMatchObject({
    outbox: { oldestAt: 5 },
    flash: { bytesPerDay: 1e9, years: 3.5 },
    sources: [
      { name: 'press', state: 'good' },
      { name: 'saw', state: 'dead', reason: 'cable pulled' },
    ],
    alarms: [{ code: 'disk_full', message: 'no room', raisedAt: 7 }, { clearedAt: 8 }],
    events: [{ id: 3, text: 't'.repeat(300) }],
    audit: { id: 9 },
  })
})

test('of very many alarms the worst are told, and how many more there are', () => {
  const many = Array.from({ length: 150 }, (_, n) => alarm({ id: `${n}`, clearedAt: n }))
  const { alarms, moreAlarms } = agentReport({
    ...{ time: 1, outbox, flash: { reason: 'tmpfs' }, sources: [], ...nothing },
    alarms: [
      ...many,
      alarm({ id: 'minor', severity: 'MINOR' }),
      alarm({ id: 'worst', severity: 'CRITICAL' }),
    ],
  })
  expect(alarms).toHaveLength(100)
  expect(alarms.slice(0, 3)).toMatchObject([{ id: 'worst' }, { id: 'minor' }, { id: '0' }])
  expect(moreAlarms).toBe(52)
})
