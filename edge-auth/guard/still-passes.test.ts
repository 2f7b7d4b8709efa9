import { expect, test } from 'vitest'
import type { Identity } from '../sessions/identify.ts'
import type { User } from '../store/index.ts'
import { createGuard } from './guard.ts'
import type { Gate } from './rules.ts'

const gate: Gate = {
  ...{ clientId: 'press', path: '/press/', upstream: null, roles: ['Operator'], methods: [], rules: [] },
  ...{ public: [], withholdToken: false },
}

/** The guard's answer about an open WebSocket of somebody who has become this. */
function stillPasses(now: Partial<User> | undefined, scoped: readonly string[] = []): boolean {
  const before = { name: 'ann', enabled: true, roles: ['Operator'], apps: null } as unknown as User
  const user = now && ({ ...before, ...now } as User)
  const identity = { user: before, session: { id: 's', user: 'ann' } } as unknown as Identity
  const guard = createGuard(
    {
      gates: { all: () => [gate] },
      identify: Object.assign(async () => undefined, { byRead: () => undefined }),
      sessions: {
        list: () => [{ id: 's', user: 'ann', createdAt: 0, expiresAt: 0, address: null, userAgent: null }],
        renewal: async () => undefined,
      },
      users: { find: () => user, active: ({ enabled }) => enabled },
      groups: { rolesFor: ({ roles }) => [...roles, ...scoped] },
      apps: { find: () => ({ enabled: true }) } as never,
    },
    { otherwise: 'deny' },
  )
  const passed = { is: 'pass' as const, identity, roles: [], gate, renewed: undefined }
  return guard.stillPasses(passed, '/press/live')
}

test.each<[string, Partial<User> | undefined, boolean]>([
  ['is as before', {}, true],
  ['has the app in the list', { apps: ['press'] }, true],
  ['has other apps in the list', { apps: ['saw'] }, false],
  ['has lost the role', { roles: ['Viewer'] }, false],
  ['is past the time', { enabled: false }, false],
  ['is gone', undefined, false],
])('who %s, now', (_what, user, expected) => {
  expect(stillPasses(user)).toBe(expected)
})

test('who has the role for this app alone', () => {
  expect(stillPasses({ roles: ['Viewer'] }, ['Operator'])).toBe(true)
})
