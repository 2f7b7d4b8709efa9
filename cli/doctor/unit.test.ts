import { expect, test } from 'vitest'
import { describeUnit } from './unit.ts'

const well = {
  ...{ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', UnitFileState: 'enabled' },
  ...{ NRestarts: '0', Result: 'success', ExecMainStatus: '0', NeedDaemonReload: 'no' },
  ...{ StateDirectory: 'edgeward', ExecStart: '{ path=/usr/bin/edgeward ; argv[]=/usr/bin/edgeward run ; }' },
}
const state = '/var/lib/edgeward'

test.each<[what: string, shown: Record<string, string>, status: string, says: RegExp]>([
  ['one that is well', {}, 'ok', /active and enabled/],
  ['one that has failed', { ActiveState: 'failed', Result: 'oom-kill' }, 'failed', /result oom-kill/],
  [
    'one that ends again and again',
    { ActiveState: 'activating', SubState: 'auto-restart', NRestarts: '41', ExecMainStatus: '2' },
    'failed',
    /41 restarts, result success, status 2/,
  ],
  ['one that is masked', { LoadState: 'masked' }, 'failed', /masked/],
  ['one that does not start with the box', { UnitFileState: 'disabled' }, 'warning', /is disabled/],
  ['one that was restarted often', { NRestarts: '7' }, 'warning', /restarted 7 times/],
  ['one whose file has changed', { NeedDaemonReload: 'yes' }, 'warning', /has changed/],
  ['one that is not there', { LoadState: 'not-found' }, 'skipped', /no edgeward\.service/],
  ['that of another state', { StateDirectory: 'edgeward-two' }, 'skipped', /another state/],
  [
    'that of a state named in its command',
    { ExecStart: '{ argv[]=/usr/bin/edgeward run --state-dir /srv/box ; }' },
    'skipped',
    /another state/,
  ],
])('%s', (_what, shown, status, says) => {
  const found = describeUnit({ ...well, ...shown }, state)
  expect(found).toMatchObject({ status, cause: expect.stringMatching(says) })
  if (status === 'failed' || status === 'warning') expect(found.cure).toMatch(/systemctl|journalctl/)
})
