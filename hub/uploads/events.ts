import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

export interface EventRow {
  id: string
  tenant: string
  /** Empty when a person or program of the tenant sent it. */
  agentId: string
  entityId: string
  /** Epoch milliseconds. */
  time: number
  /** JSON, as it came. */
  document: string
}

export function eventTable(db: Database) {
  const upsert = db.prepare<EventRow>(`
    INSERT INTO event (id, tenant, agent_id, entity_id, time, document)
    VALUES (@id, @tenant, @agentId, @entityId, @time, @document)
    ON CONFLICT DO UPDATE SET time = excluded.time, document = excluded.document`)
  const remove = db.prepare<[string]>(`DELETE FROM event WHERE agent_id = ?`)
  const page = pagesOf<EventRow>(db, {
    select: 'id, tenant, agent_id AS agentId, entity_id AS entityId, time, document',
    from: 'event',
    tenant: 'tenant',
    columns: { id: 'id', entityId: 'entity_id', timestamp: 'time' },
    order: 'time DESC, id',
  })

  return {
    /** One that comes again from the same sender replaces itself. */
    put: (event: EventRow): void => void upsert.run(event),
    page: (query: PageQuery): Page<EventRow> => page(query),
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
