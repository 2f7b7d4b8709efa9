import { expect, test } from 'vitest'
import { isService } from './supervision.ts'

test.each([
  [{ INVOCATION_ID: 'a', SYSTEMD_EXEC_PID: '7' }, 7, 1, true],
  [{ INVOCATION_ID: 'a', SYSTEMD_EXEC_PID: '6' }, 7, 6, true], // started by the launcher
  [{ INVOCATION_ID: 'a', SYSTEMD_EXEC_PID: '2' }, 7, 6, false], // a shell in a session that is a service
  [{ INVOCATION_ID: 'a' }, 7, 1, true],
  [{ INVOCATION_ID: 'a' }, 7, 6, false],
  [{ SYSTEMD_EXEC_PID: '7' }, 7, 1, false],
  [{}, 7, 1, false],
])('of %o, process %i of %i, systemd runs it as a service: %s', (env, pid, ppid, is) => {
  expect(isService({ env, pid, ppid })).toBe(is)
})
