import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

/** To which asset and event type an agent's events belong. */
export interface EventMapping {
  id: string
  agentId: string
  assetId: string
  eventTypeId: string
  eventTypeName: string | null
  eventTypeFieldName: string | null
  eventTypeFieldValue: string | null
  eTag: number
}

export function eventMappingTable(db: Database) {
  const select = `
    m.id, agent_id AS agentId, asset_id AS assetId, event_type_id AS eventTypeId,
    event_type_name AS eventTypeName, event_type_field_name AS eventTypeFieldName,
    event_type_field_value AS eventTypeFieldValue, m.etag AS eTag`
  const from = `event_mapping AS m JOIN agent ON agent.id = agent_id`
  const insert = db.prepare<EventMapping>(`
    INSERT INTO event_mapping
      (id, agent_id, asset_id, event_type_id, event_type_name, event_type_field_name,
       event_type_field_value, etag)
    VALUES (@id, @agentId, @assetId, @eventTypeId, @eventTypeName, @eventTypeFieldName,
       @eventTypeFieldValue, @eTag)`)
  const selectOne = db.prepare<[string, string], EventMapping>(
    `SELECT ${select} FROM ${from} WHERE tenant = ? AND m.id = ?`,
  )
  const count = db.prepare<[string, string], { all: number; ofType: number }>(`
    SELECT count(*) AS "all", count(*) FILTER (WHERE event_type_id = ?) AS ofType
      FROM event_mapping WHERE agent_id = ?`)
  const update = db.prepare<EventMapping>(`
    UPDATE event_mapping
       SET asset_id = @assetId, event_type_id = @eventTypeId, event_type_name = @eventTypeName,
           event_type_field_name = @eventTypeFieldName, event_type_field_value = @eventTypeFieldValue,
           etag = @eTag
     WHERE id = @id`)
  const remove = db.prepare<[string]>(`DELETE FROM event_mapping WHERE id = ?`)
  const page = pagesOf<EventMapping>(db, {
    select,
    from,
    tenant: 'tenant',
    columns: { id: 'm.id', agentId: 'agent_id', assetId: 'asset_id', eventTypeId: 'event_type_id' },
    order: 'm.rowid',
  })

  return {
    add: (mapping: EventMapping): void => void insert.run(mapping),
    find: (tenant: string, id: string): EventMapping | undefined => selectOne.get(tenant, id),
    count: (agentId: string, eventTypeId: string) =>
      count.get(eventTypeId, agentId) as { all: number; ofType: number },
    update: (mapping: EventMapping): void => void update.run(mapping),
    page: (query: PageQuery): Page<EventMapping> => page(query),
    remove: (id: string): void => void remove.run(id),
  }
}
