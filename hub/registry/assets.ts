import type { Database } from '../../core/sqlite.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

/** What an agent belongs to and its data describe. */
export interface Asset {
  /** 32 lower-case hex digits. */
  id: string
  tenant: string
  /** Null for the root of the tenant. */
  parentId: string | null
  name: string
  typeId: string
  description: string | null
  eTag: number
}

export function assetTable(db: Database) {
  const select = `
    id, tenant, parent_id AS parentId, name, type_id AS typeId, description, etag AS eTag`
  const insert = db.prepare<Asset>(`
    INSERT INTO asset (id, tenant, parent_id, name, type_id, description, etag)
    VALUES (@id, @tenant, @parentId, @name, @typeId, @description, @eTag)`)
  const selectOne = db.prepare<[string, string], Asset>(
    `SELECT ${select} FROM asset WHERE tenant = ? AND id = ?`,
  )
  const selectRoot = db.prepare<[string], Asset>(
    `SELECT ${select} FROM asset WHERE tenant = ? AND parent_id IS NULL`,
  )
  const page = pagesOf<Asset>(db, {
    select,
    from: 'asset',
    tenant: 'tenant',
    columns: { assetId: 'id', name: 'name', parentId: 'parent_id', typeId: 'type_id' },
    order: 'rowid',
  })

  return {
    add: (asset: Asset): void => void insert.run(asset),
    find: (tenant: string, id: string): Asset | undefined => selectOne.get(tenant, id),
    root: (tenant: string): Asset | undefined => selectRoot.get(tenant),
    page: (query: PageQuery): Page<Asset> => page(query),
  }
}
