import { expect, test } from 'vitest'
import { parseAgentReport } from '../protocol/agent-report.ts'
import type { OutboxStatus } from './outbox-view.ts'
import { agentReport } from './report.ts'

const outbox: OutboxStatus = {
  ...{ epoch: '00'.repeat(8), batches: 2, readings: 30, newest: 2, bytes: 4_000, maxBytes: 100_000 },
  ...{ takenIn: 0, written: 0, acknowledged: 0, lost: { quota: 3 }, sources: [] },
  ...{ mode: 'spill', rates: { in: 0, written: 0, out: 0 } },
}
const source = { protocol: 'mqtt', readings: 1, bad: {}, refused: 0, lost: 0 }

test('the report is what the hub expects, with and without what may be unknown', () => {
  const bare = agentReport({ time: 1, outbox, flash: { reason: 'tmpfs' }, sources: [], alarms: [] })
  expect(parseAgentReport(JSON.parse(JSON.stringify(bare)), 'report')).toEqual({
    time: 1,
    release: expect.stringMatching(/^\d+\.\d+\.\d+/),
    outbox: { readings: 30, bytes: 4_000, lost: { quota: 3 } },
    sources: [],
    alarms: [],
  })
  const full = agentReport({
    time: 2,
    outbox: { ...outbox, oldestAt: 5 },
    flash: { device: 'mmcblk0', deviceBytesPerDay: 1e9, years: 3.5 },
    sources: [
      { ...source, name: 'press', state: 'good' },
      { ...source, name: 'saw', state: 'dead', reason: 'cable pulled' },
    ],
    alarms: [{ code: 'disk_full', message: 'no room', raisedAt: 7 }],
  })
  expect(parseAgentReport(JSON.parse(JSON.stringify(full)), 'report')).toMatchObject({
    outbox: { oldestAt: 5 },
    flash: { bytesPerDay: 1e9, years: 3.5 },
    sources: [
      { name: 'press', state: 'good' },
      { name: 'saw', state: 'dead', reason: 'cable pulled' },
    ],
    alarms: [{ code: 'disk_full', message: 'no room', raisedAt: 7 }],
  })
})
