import type { Severity } from '../../protocol/alarm.ts'

/** What is known of the alarms of a type. */
export interface Kind {
  readonly severity: Severity
  /** It tells of something that has happened, and goes this long after. Others go when their cause does. */
  readonly lastsMs?: number
}

const hourMs = 3_600_000

const kinds: Readonly<Record<string, Kind>> = {
  disk_full: { severity: 'CRITICAL' },
  outbox_unwritable: { severity: 'CRITICAL' },
  outbox_silent: { severity: 'CRITICAL' },
  outbox_quarantined: { severity: 'MAJOR' },
  outbox_filling: { severity: 'WARNING' },
  source_dead: { severity: 'MAJOR' },
  identity_unreadable: { severity: 'CRITICAL' },
  onboarding_needed: { severity: 'MAJOR' },
  credential_expiring: { severity: 'MAJOR' },
  certificate_expiring: { severity: 'MINOR' },
  clock_untrusted: { severity: 'WARNING' },
  login_attack: { severity: 'MAJOR', lastsMs: hourMs },
  auth_store_failed: { severity: 'CRITICAL', lastsMs: hourMs },
  service_access_open: { severity: 'WARNING' },
  break_glass: { severity: 'CRITICAL' },
  release_fallen_back: { severity: 'MAJOR' },
}

export const kindOf = (type: string): Kind => kinds[type] ?? { severity: 'MAJOR' }
