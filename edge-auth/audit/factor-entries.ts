import type { AuditEntry } from '../store/index.ts'
import type { Describe, Sender } from './entry.ts'

export type FactorChange = 'set_up' | 'revoked' | 'recovery_code_used'

/** Entries about second factors, and about the way in when nothing else leads in. Never a code. */
export interface FactorEntries {
  secondFactorChanged(user: string, reason: FactorChange, sender?: Sender): AuditEntry
  /** With the strategy: everybody's. */
  secondFactorsCleared(strategy: string, count: number): AuditEntry
  breakGlass(user: string, reason: 'made' | 'used' | 'expired', sender?: Sender): AuditEntry
}

export interface FactorNotes {
  /** Noted once in a while: with Basic there is no session that begins. */
  signedInByBasic(user: string, sender: Sender): void
}

export const factorEntries = (describe: Describe): FactorEntries => ({
  secondFactorChanged: (user, reason, sender) =>
    describe('second_factor_changed', { ...sender, user, reason }),
  secondFactorsCleared: (strategy, count) =>
    describe('second_factor_changed', { reason: 'strategy_changed', detail: { strategy, removed: count } }),
  breakGlass: (user, reason, sender) => describe('break_glass', { ...sender, user, reason }),
})

export const factorNotes = (describe: Describe, note: (entry: AuditEntry) => void): FactorNotes => ({
  signedInByBasic: (user, sender) =>
    note(describe('login', { ...sender, user, detail: { method: 'basic' } })),
})
