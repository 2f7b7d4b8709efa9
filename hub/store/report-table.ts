import type { Database } from '../../core/sqlite.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'

/** The newest report of an agent. */
export interface KeptReport {
  receivedAt: number
  report: AgentReport
}

export function reportTable(db: Database) {
  const put = db.prepare<[string, number, string]>(`
    INSERT INTO report (agent, received_at, document) VALUES (?, ?, ?)
        ON CONFLICT (agent) DO UPDATE SET received_at = excluded.received_at, document = excluded.document`)
  const select = db.prepare<[string], { receivedAt: number; document: string }>(
    'SELECT received_at AS receivedAt, document FROM report WHERE agent = ?',
  )
  const remove = db.prepare<[string]>('DELETE FROM report WHERE agent = ?')

  return {
    put: (agentId: string, report: AgentReport, receivedAt: number): void =>
      void put.run(agentId, receivedAt, JSON.stringify(report)),
    find(agentId: string): KeptReport | undefined {
      const row = select.get(agentId)
      return row && { receivedAt: row.receivedAt, report: JSON.parse(row.document) as AgentReport }
    },
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
