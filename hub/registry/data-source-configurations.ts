import type { Database } from '../../core/sqlite.ts'
import type {
  DataSourceConfiguration,
  DataSourceConfigurationUpdate,
} from '../../protocol/data-source-configuration.ts'

export function dataSourceConfigurationTable(db: Database) {
  const insert = db.prepare<[string, number, string, number]>(`
    INSERT INTO data_source_configuration (agent_id, etag, document, created_at) VALUES (?, ?, ?, ?)`)
  const selectNewest = db.prepare<[string], { etag: number; document: string }>(`
    SELECT etag, document FROM data_source_configuration WHERE agent_id = ? ORDER BY etag DESC LIMIT 1`)

  const selectNamed = db.prepare<[string, string], { etag: number; document: string }>(`
    SELECT etag, document FROM data_source_configuration
     WHERE agent_id = ? AND document ->> 'configurationId' = ? ORDER BY etag DESC LIMIT 1`)

  return {
    named(agentId: string, configurationId: string): DataSourceConfiguration | undefined {
      const row = selectNamed.get(agentId, configurationId)
      return row && toConfiguration(agentId, row)
    },
    /** eTag "0" and no sources before the first one. */
    inForce(agentId: string): DataSourceConfiguration {
      const row = selectNewest.get(agentId)
      return row ? toConfiguration(agentId, row) : { id: agentId, eTag: '0', dataSources: [] }
    },
    add(
      agentId: string,
      eTag: number,
      { configurationId, dataSources }: DataSourceConfigurationUpdate,
      now: number,
    ) {
      insert.run(agentId, eTag, JSON.stringify({ configurationId, dataSources }), now)
    },
  }
}

function toConfiguration(id: string, { etag, document }: { etag: number; document: string }) {
  return { id, eTag: String(etag), ...(JSON.parse(document) as DataSourceConfigurationUpdate) }
}
