import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

export type DiagnosticStatus = 'ACTIVE' | 'INACTIVE'

export interface DiagnosticActivation {
  id: string
  agentId: string
  status: DiagnosticStatus
}

export function diagnosticActivationTable(db: Database) {
  const select = `d.id, agent_id AS agentId, status`
  const from = `diagnostic_activation AS d JOIN agent ON agent.id = agent_id`
  const insert = db.prepare<DiagnosticActivation>(`
    INSERT INTO diagnostic_activation (id, agent_id, status) VALUES (@id, @agentId, @status)
    ON CONFLICT DO NOTHING`)
  const selectOne = db.prepare<[string, string], DiagnosticActivation>(
    `SELECT ${select} FROM ${from} WHERE tenant = ? AND d.id = ?`,
  )
  const selectActive = db.prepare<[string], { id: string }>(
    `SELECT id FROM diagnostic_activation WHERE agent_id = ? AND status = 'ACTIVE'`,
  )
  const count = db.prepare<[string], { total: number }>(
    `SELECT count(*) AS total FROM ${from} WHERE tenant = ?`,
  )
  const update = db.prepare<[DiagnosticStatus, string]>(
    `UPDATE diagnostic_activation SET status = ? WHERE id = ?`,
  )
  const remove = db.prepare<[string]>(`DELETE FROM diagnostic_activation WHERE id = ?`)
  const page = pagesOf<DiagnosticActivation>(db, {
    select,
    from,
    tenant: 'tenant',
    columns: { id: 'd.id', agentId: 'agent_id', status: 'status' },
    order: 'd.rowid',
  })

  return {
    /** False when the agent has one. */
    add: (activation: DiagnosticActivation): boolean => insert.run(activation).changes === 1,
    find: (tenant: string, id: string): DiagnosticActivation | undefined => selectOne.get(tenant, id),
    isActive: (agentId: string): boolean => selectActive.get(agentId) !== undefined,
    count: (tenant: string): number => count.get(tenant)?.total ?? 0,
    setStatus: (id: string, status: DiagnosticStatus): void => void update.run(status, id),
    page: (query: PageQuery): Page<DiagnosticActivation> => page(query),
    remove: (id: string): void => void remove.run(id),
  }
}
