import { byLabel, counter, type Gauge, number } from '../core/gauge.ts'
import type { IntrospectionCounts } from './http/introspection-count.ts'
import type { LoginCounts } from './sessions/login-count.ts'
import type { AuditEntry } from './store/index.ts'
import type { HashingLoad } from './users/passwords.ts'

/** What is counted of the entries that the audit has kept. */
export interface AuditCounts {
  add(entry: Pick<AuditEntry, 'type'>): void
  of(type: AuditEntry['type']): number
  all(): number
}

export function countEntries(): AuditCounts {
  const counts = new Map<string, number>()
  let all = 0
  return {
    add({ type }) {
      all++
      counts.set(type, (counts.get(type) ?? 0) + 1)
    },
    of: (type) => counts.get(type) ?? 0,
    all: () => all,
  }
}

export interface AuthFigures {
  introspections: Readonly<IntrospectionCounts>
  logins: Readonly<LoginCounts>
  entries: AuditCounts
  hashing: HashingLoad
  sessions: number
  users: number
  apps: number
}

export const authGauges = (of: AuthFigures): Gauge[] => [
  {
    name: 'edgeward_introspections_total',
    help: 'Introspections, by outcome.',
    kind: 'counter',
    samples: byLabel('outcome', { ...of.introspections }),
  },
  {
    name: 'edgeward_logins_total',
    help: 'Steps of signing in with a password or code, by outcome.',
    kind: 'counter',
    samples: byLabel('outcome', { ...of.logins }),
  },
  counter('edgeward_sso_logins_total', 'Sign-ins by single sign-on.', of.entries.of('sso_login')),
  counter('edgeward_lockouts_total', 'Lockouts after failed sign-ins.', of.entries.of('lockout')),
  counter(
    'edgeward_clients_refused_total',
    'Apps refused for their credentials.',
    of.entries.of('client_refused'),
  ),
  counter('edgeward_access_denied_total', 'Requests that were denied.', of.entries.of('access_denied')),
  counter('edgeward_audit_entries_total', 'Entries that the audit has kept.', of.entries.all()),
  number('edgeward_sessions', 'Sessions that are open.', of.sessions),
  number('edgeward_users', 'Users.', of.users),
  number('edgeward_apps', 'Apps.', of.apps),
  number('edgeward_password_checks_running', 'Passwords that are being hashed.', of.hashing.running),
  number('edgeward_password_checks_waiting', 'Passwords that wait to be hashed.', of.hashing.waiting),
]
