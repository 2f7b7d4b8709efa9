import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

/** An item of a type that we do not know. */
export interface CustomItem {
  tenant: string
  agentId: string
  kind: string
  /** JSON. */
  details: string
  contentType: string
  content: Uint8Array
  receivedAt: number
}

export function customItemTable(db: Database) {
  const insert = db.prepare<CustomItem>(`
    INSERT INTO custom_item (tenant, agent_id, kind, details, content_type, content, received_at)
    VALUES (@tenant, @agentId, @kind, @details, @contentType, @content, @receivedAt)`)
  const page = pagesOf<CustomItem>(db, {
    select: `tenant, agent_id AS agentId, kind, details, content_type AS contentType, content,
             received_at AS receivedAt`,
    from: 'custom_item',
    tenant: 'tenant',
    columns: { agentId: 'agent_id', kind: 'kind' },
    order: 'id',
  })
  const remove = db.prepare<[string]>(`DELETE FROM custom_item WHERE agent_id = ?`)

  return {
    add: (item: CustomItem): void => void insert.run(item),
    page: (query: PageQuery): Page<CustomItem> => page(query),
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
