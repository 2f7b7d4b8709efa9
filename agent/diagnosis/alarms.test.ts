import { expect, test } from 'vitest'
import type { Alarm } from '../alarms.ts'
import { describeAlarms } from './alarms.ts'

const alarm = (code: string, severity: Alarm['severity']): Alarm => ({
  ...{ code, severity, message: `said ${code}`, raisedAt: 1, id: '1', count: 1, lastAt: 1 },
})

test.each<[what: string, alarms: Alarm[], status: string, says: RegExp]>([
  ['none', [], 'ok', /no other/],
  [
    'those that other checks tell',
    [alarm('disk_full', 'CRITICAL'), alarm('source_dead:press', 'MAJOR')],
    'ok',
    /no other/,
  ],
  ['a small one', [alarm('service_access_open', 'WARNING')], 'warning', /WARNING: said service_access_open/],
  [
    'a grave one',
    [alarm('x', 'MINOR'), alarm('login_attack', 'MAJOR')],
    'failed',
    /said x; MAJOR: said login/,
  ],
])('%s', (_what, alarms, status, says) => {
  const finding = describeAlarms(alarms)
  expect(finding.status).toBe(status)
  expect(JSON.stringify(finding)).toMatch(says)
})
