import type { Database } from '../../core/sqlite.ts'
import type { SecurityProfile } from '../../protocol/boarding.ts'
import { type Page, type PageQuery, pagesOf } from '../page.ts'

export type BoardingStatus = 'NOT_ONBOARDED' | 'ONBOARDING' | 'ONBOARDED'

export interface Agent {
  /** 32 lower-case hex digits. */
  id: string
  tenant: string
  name: string
  securityProfile: SecurityProfile
  entityId: string
  eTag: number
  boardingStatus: BoardingStatus
  /** Access tokens of an older generation are void. */
  generation: number
}

export type NewAgent = Pick<Agent, 'id' | 'tenant' | 'name' | 'securityProfile' | 'entityId'>

const columns = `
  id, tenant, name, security_profile AS securityProfile, entity_id AS entityId, etag AS eTag,
  boarding_status AS boardingStatus, generation`

export function agentTable(db: Database) {
  const insert = db.prepare<NewAgent & { now: number }>(`
    INSERT INTO agent (id, tenant, name, security_profile, entity_id, created_at)
    VALUES (@id, @tenant, @name, @securityProfile, @entityId, @now)`)
  const select = db.prepare<[string], Agent>(`SELECT ${columns} FROM agent WHERE id = ?`)
  const selectNamed = db.prepare<[string], Agent>(`SELECT ${columns} FROM agent WHERE name = ?`)
  const selectTwin = db.prepare<[string, string, string], { id: string }>(`
    SELECT id FROM agent WHERE tenant = ? AND name = ? AND id <> ?`)
  const selectAll = db.prepare<[string | null, string | null], Agent>(`
    SELECT ${columns} FROM agent WHERE ? IS NULL OR tenant = ? ORDER BY tenant, name`)
  const count = db.prepare<[string], { total: number }>(
    `SELECT count(*) AS total FROM agent WHERE tenant = ?`,
  )
  const countByStatus = db.prepare<[], { status: BoardingStatus; total: number }>(`
    SELECT boarding_status AS status, count(*) AS total FROM agent GROUP BY boarding_status`)
  const updateIdentity = db.prepare<Pick<Agent, 'id' | 'name' | 'securityProfile'>>(`
    UPDATE agent SET name = @name, security_profile = @securityProfile, etag = etag + 1 WHERE id = @id`)
  const updateStatus = db.prepare<[BoardingStatus, string]>(`
    UPDATE agent SET boarding_status = ? WHERE id = ?`)
  const endGeneration = db.prepare<[string]>(`UPDATE agent SET generation = generation + 1 WHERE id = ?`)
  const remove = db.prepare<[string]>(`DELETE FROM agent WHERE id = ?`)
  const page = pagesOf<Agent>(db, {
    select: columns,
    from: 'agent',
    tenant: 'tenant',
    columns: { id: 'id', name: 'name', entityId: 'entity_id', securityProfile: 'security_profile' },
    order: 'id',
  })

  return {
    add: (agent: NewAgent, now: number): void => void insert.run({ ...agent, now }),
    find: (id: string): Agent | undefined => select.get(id),
    named: (name: string): Agent[] => selectNamed.all(name),
    all: (tenant?: string): Agent[] => selectAll.all(tenant ?? null, tenant ?? null),
    isNameTaken: (tenant: string, name: string, except = ''): boolean =>
      selectTwin.get(tenant, name, except) !== undefined,
    page: (query: PageQuery): Page<Agent> => page(query),
    count: (tenant: string): number => count.get(tenant)?.total ?? 0,
    byStatus: (): { status: BoardingStatus; total: number }[] => countByStatus.all(),
    rename: (agent: Pick<Agent, 'id' | 'name' | 'securityProfile'>): void => void updateIdentity.run(agent),
    setStatus: (id: string, status: BoardingStatus): void => void updateStatus.run(status, id),
    endGeneration: (id: string): void => void endGeneration.run(id),
    remove: (id: string): void => void remove.run(id),
  }
}
