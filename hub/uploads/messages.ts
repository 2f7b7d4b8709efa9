import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

/** What became of an upload, for an agent whose diagnosis is switched on. */
export interface DiagnosticMessage {
  tenant: string
  agentId: string
  correlationId: string
  severity: 'INFO' | 'WARN' | 'ERROR'
  message: string
  source: 'TIMESERIES' | 'EVENT' | 'FILE' | 'DATASOURCECONFIGURATION' | 'CUSTOM'
  state: 'ACCEPTED' | 'DROPPED'
  time: number
}

/** The newest of each agent; older ones are forgotten. */
const kept = 1000

export function diagnosticMessageTable(db: Database) {
  const insert = db.prepare<DiagnosticMessage>(`
    INSERT INTO diagnostic_message
      (tenant, agent_id, correlation_id, severity, message, source, state, time)
    VALUES (@tenant, @agentId, @correlationId, @severity, @message, @source, @state, @time)`)
  const removeOld = db.prepare<DiagnosticMessage & { kept: number }>(`
    DELETE FROM diagnostic_message WHERE tenant = @tenant AND agent_id = @agentId AND id <= (
      SELECT id FROM diagnostic_message WHERE tenant = @tenant AND agent_id = @agentId
       ORDER BY id DESC LIMIT 1 OFFSET @kept)`)
  const removeOfAgent = db.prepare<[string]>(`DELETE FROM diagnostic_message WHERE agent_id = ?`)
  const page = pagesOf<DiagnosticMessage>(db, {
    select: 'agent_id AS agentId, correlation_id AS correlationId, severity, message, source, state, time',
    from: 'diagnostic_message',
    tenant: 'tenant',
    columns: {
      agentId: 'agent_id',
      correlationId: 'correlation_id',
      message: 'message',
      source: 'source',
      timestamp: 'time',
      severity: 'severity',
    },
    order: 'id',
  })

  return {
    add(message: DiagnosticMessage): void {
      insert.run(message)
      removeOld.run({ ...message, kept })
    },
    page: (query: PageQuery): Page<DiagnosticMessage> => page(query),
    removeAgent: (agentId: string): void => void removeOfAgent.run(agentId),
  }
}
