import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

/** Time series that could not be stored, kept until the cause is mended. */
export interface RecoverableRecord {
  id: string
  tenant: string
  agentId: string
  correlationId: string
  requestTime: number
  dropReason: string
  configurationId: string | null
  /** JSON: `[{timestamp, values}]`. */
  records: string
}

export function recoverableRecordTable(db: Database) {
  const columns = `
    id, tenant, agent_id AS agentId, correlation_id AS correlationId, request_time AS requestTime,
    drop_reason AS dropReason, configuration_id AS configurationId, records`
  const insert = db.prepare<RecoverableRecord>(`
    INSERT INTO recoverable_record
      (id, tenant, agent_id, correlation_id, request_time, drop_reason, configuration_id, records)
    VALUES (@id, @tenant, @agentId, @correlationId, @requestTime, @dropReason, @configurationId, @records)`)
  const select = db.prepare<[string, string], RecoverableRecord>(`
    SELECT ${columns} FROM recoverable_record WHERE tenant = ? AND id = ?`)
  const remove = db.prepare<[string, string]>(`DELETE FROM recoverable_record WHERE tenant = ? AND id = ?`)
  const removeOfAgent = db.prepare<[string]>(`DELETE FROM recoverable_record WHERE agent_id = ?`)
  const page = pagesOf<Omit<RecoverableRecord, 'records'>>(db, {
    select: columns.replace(', records', ''),
    from: 'recoverable_record',
    tenant: 'tenant',
    columns: {
      id: 'id',
      agentId: 'agent_id',
      correlationId: 'correlation_id',
      requestTime: 'request_time',
      dropReason: 'drop_reason',
    },
    order: 'request_time DESC, id',
  })

  return {
    add: (record: RecoverableRecord): void => void insert.run(record),
    find: (tenant: string, id: string): RecoverableRecord | undefined => select.get(tenant, id),
    page: (query: PageQuery): Page<Omit<RecoverableRecord, 'records'>> => page(query),
    /** False when there is none. */
    remove: (tenant: string, id: string): boolean => remove.run(tenant, id).changes === 1,
    removeAgent: (agentId: string): void => void removeOfAgent.run(agentId),
  }
}
