import { type Finding, failed, ok, warning } from '../../core/diagnosis.ts'
import { typeOf } from '../../protocol/alarm.ts'
import type { Alarm } from '../alarms.ts'

const ofOutbox = ['disk_full', 'outbox_unwritable', 'outbox_quarantined', 'outbox_silent', 'outbox_filling']
/** Other checks find these causes. */
const ofOthers = [
  'source_dead',
  'identity_unreadable',
  'onboarding_needed',
  'credential_expiring',
  'clock_untrusted',
]

const cures: Readonly<Record<string, string>> = {
  certificate_expiring: 'See "edgeward cert show" for which one it is and what keeps it from being renewed.',
  certificate_failed: 'See "edgeward cert show"; what was in use before still is.',
  login_attack: 'See "edgeward audit --type lockout" for the addresses, and keep them out of the network.',
  service_access_open: 'End it with "edgeward service-access close NAME" when it is no longer needed.',
  break_glass: 'See "edgeward audit --type break_glass" for who has used it.',
}

export const isOfOutbox = (alarm: Alarm): boolean => ofOutbox.includes(typeOf(alarm))

/** What stands and is found by no other check. */
export function describeAlarms(alarms: readonly Alarm[]): Finding {
  const others = alarms.filter((alarm) => !isOfOutbox(alarm) && !ofOthers.includes(typeOf(alarm)))
  const facts = { alarms: others.map(({ code, severity }) => ({ code, severity })) }
  const [first] = others
  if (!first) return ok('no other alarm stands', facts)
  const isSevere = others.some(({ severity }) => severity === 'CRITICAL' || severity === 'MAJOR')
  const told = others.map(({ severity, message }) => `${severity}: ${message}`).join('; ')
  const cure = cures[typeOf(first)] ?? 'See "edgeward alarm list" and the log of the daemon.'
  return (isSevere ? failed : warning)(told, cure, facts)
}
