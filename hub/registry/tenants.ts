import type { Database } from '../../core/sqlite.ts'

export interface Tenant {
  name: string
  createdAt: number
}

export function tenantTable(db: Database) {
  const insert = db.prepare<[string, number]>(`
    INSERT INTO tenant (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING`)
  const select = db.prepare<[], Tenant>(`
    SELECT name, created_at AS createdAt FROM tenant ORDER BY name`)

  return {
    /** False when there is one of that name. */
    add: (name: string, now: number): boolean => insert.run(name, now).changes === 1,
    all: (): Tenant[] => select.all(),
  }
}
