import type { Clock } from '../../core/clock.ts'
import type { AuditEntry } from '../store/index.ts'
import type { AlarmBook } from './operations.ts'

const windowMs = 3_600_000
/** One is somebody who has forgotten a password. */
const lockoutsOfAttack = 3

/** Raises an alarm when logins are locked out again and again; it goes by itself. */
export function createLoginAttack({ alarms, clock }: { alarms: Pick<AlarmBook, 'raise'>; clock: Clock }) {
  let lockouts: number[] = []
  return ({ type }: Pick<AuditEntry, 'type'>): void => {
    if (type !== 'lockout') return
    const now = clock.monotonic()
    lockouts = [...lockouts.filter((at) => now - at < windowMs), now]
    if (lockouts.length < lockoutsOfAttack) return
    alarms.raise(
      'login_attack',
      'sign-ins are locked out again and again: somebody may be guessing passwords',
    )
    lockouts = []
  }
}
