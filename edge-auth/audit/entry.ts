import type { AuditEntry, AuditType } from '../store/index.ts'

/** Where a person or program came from. */
export interface Sender {
  address: string | undefined
  userAgent: string | undefined
}

/** For who adds an event: an entry with the time it happened. */
export type Describe = (
  type: AuditType,
  what?: Omit<AuditEntry, 'type' | 'deviceTime' | 'serverTime'>,
) => AuditEntry
