import type { AlarmMapping, AuditEntry, RetentionRule } from '../store/index.ts'
import type { Describe } from './entry.ts'

type Changed = 'created' | 'updated' | 'deleted'

/** Events of retention and alarms, and what administrators write themselves. */
export interface KeepingEntries {
  retentionChanged(reason: Changed, rule: RetentionRule): AuditEntry
  alarmAcknowledged(alarm: { id: string; type: string; source: string }): AuditEntry
  alarmMappingChanged(reason: Changed, mapping: AlarmMapping): AuditEntry
  custom(entry: { text: string; user?: string; detail?: Readonly<Record<string, string>> }): AuditEntry
}

export const keepingEntries = (describe: Describe): KeepingEntries => ({
  retentionChanged: (reason, { id, dataType, fragmentType, type, source, maximumAge }) =>
    describe('retention_changed', {
      reason,
      detail: { rule: id, dataType, fragmentType, type, source, maximumAge },
    }),
  alarmAcknowledged: ({ id, type, source }) =>
    describe('alarm_acknowledged', { detail: { alarm: id, type, source } }),
  alarmMappingChanged: (reason, { type, severity, text, dropped }) =>
    describe('alarm_mapping_changed', { reason, detail: { type, severity, text, dropped } }),
  custom: ({ text, user, detail }) =>
    describe('custom', { ...(user === undefined ? {} : { user }), detail: { ...detail, text } }),
})
