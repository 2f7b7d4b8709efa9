import type { Database } from '../../core/sqlite.ts'
import type { AgentReport, AuditHead } from '../../protocol/agent-report.ts'

export interface AuditFault {
  /** It has become shorter; another entry has the number of the last; another key signs. */
  kind: 'cut_short' | 'rewritten' | 'other_key'
  before: AuditHead
  after: AuditHead
  foundAt: number
}

export interface KeptAuditHead {
  receivedAt: number
  head: AuditHead
  /** What was last found to be wrong; stays, since nothing makes it right. */
  fault?: AuditFault
}

/** An audit only grows: a box whose audit does not has lost it, or somebody was at it. */
export function auditHeadTable(db: Database) {
  const put = db.prepare<[string, number, string, string | null]>(`
    INSERT INTO audit_head (agent, received_at, head, fault) VALUES (?, ?, ?, ?)
        ON CONFLICT (agent) DO UPDATE
       SET received_at = excluded.received_at, head = excluded.head, fault = excluded.fault`)
  const select = db.prepare<[string], { receivedAt: number; head: string; fault: string | null }>(
    'SELECT received_at AS receivedAt, head, fault FROM audit_head WHERE agent = ?',
  )
  const remove = db.prepare<[string]>('DELETE FROM audit_head WHERE agent = ?')

  const find = (agentId: string): KeptAuditHead | undefined => {
    const row = select.get(agentId)
    if (!row) return undefined
    const fault = row.fault === null ? {} : { fault: JSON.parse(row.fault) as AuditFault }
    return { receivedAt: row.receivedAt, head: JSON.parse(row.head), ...fault }
  }

  return {
    find,
    take(agentId: string, { audit }: AgentReport, receivedAt: number): void {
      if (audit === undefined) return
      const known = find(agentId)
      const kind = known && faultOf(known.head, audit)
      const found = kind && { kind, before: known.head, after: audit, foundAt: receivedAt }
      const fault: AuditFault | undefined = found ?? known?.fault
      put.run(agentId, receivedAt, JSON.stringify(audit), fault === undefined ? null : JSON.stringify(fault))
    },
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}

function faultOf(before: AuditHead, after: AuditHead): AuditFault['kind'] | undefined {
  if (after.key !== before.key) return 'other_key'
  if (after.id < before.id) return 'cut_short'
  return after.id === before.id && after.hash !== before.hash ? 'rewritten' : undefined
}
