import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

/** Which property of which asset a data point feeds. */
export interface DataPointMapping {
  id: string
  agentId: string
  dataPointId: string
  entityId: string
  propertySetName: string
  propertyName: string
  /** Null where the data point was not known when the mapping was made. */
  propertyType: string | null
  propertyUnit: string | null
  /** Stays when the data source configuration changes. */
  keepMapping: boolean
}

type Row = Omit<DataPointMapping, 'keepMapping'> & { keepMapping: 0 | 1 }

export function dataPointMappingTable(db: Database) {
  const select = `
    m.id, agent_id AS agentId, data_point_id AS dataPointId, m.entity_id AS entityId,
    property_set_name AS propertySetName, property_name AS propertyName,
    property_type AS propertyType, property_unit AS propertyUnit, keep_mapping AS keepMapping`
  const from = `data_point_mapping AS m JOIN agent ON agent.id = agent_id`
  const insert = db.prepare<Row>(`
    INSERT INTO data_point_mapping
      (id, agent_id, data_point_id, entity_id, property_set_name, property_name,
       property_type, property_unit, keep_mapping)
    VALUES (@id, @agentId, @dataPointId, @entityId, @propertySetName, @propertyName,
       @propertyType, @propertyUnit, @keepMapping) ON CONFLICT DO NOTHING`)
  const selectOne = db.prepare<[string, string], Row>(
    `SELECT ${select} FROM ${from} WHERE tenant = ? AND m.id = ?`,
  )
  const remove = db.prepare<[string]>(`DELETE FROM data_point_mapping WHERE id = ?`)
  const removeUnkept = db.prepare<[string]>(
    `DELETE FROM data_point_mapping WHERE agent_id = ? AND keep_mapping = 0`,
  )
  const page = pagesOf<Row>(db, {
    select,
    from,
    tenant: 'tenant',
    columns: {
      id: 'm.id',
      agentId: 'agent_id',
      dataPointId: 'data_point_id',
      entityId: 'm.entity_id',
      propertySetName: 'property_set_name',
      propertyName: 'property_name',
    },
    order: 'm.rowid',
  })
  const toMapping = (row: Row): DataPointMapping => ({ ...row, keepMapping: row.keepMapping === 1 })

  return {
    /** False when the data point feeds that property set of that entity already. */
    add: (mapping: DataPointMapping): boolean =>
      insert.run({ ...mapping, keepMapping: mapping.keepMapping ? 1 : 0 }).changes === 1,
    find(tenant: string, id: string): DataPointMapping | undefined {
      const row = selectOne.get(tenant, id)
      return row && toMapping(row)
    },
    page(query: PageQuery): Page<DataPointMapping> {
      const { rows, total } = page(query)
      return { rows: rows.map(toMapping), total }
    },
    remove: (id: string): void => void remove.run(id),
    /** Those of an agent that shall not outlive its data source configuration. */
    removeUnkept: (agentId: string): void => void removeUnkept.run(agentId),
  }
}
