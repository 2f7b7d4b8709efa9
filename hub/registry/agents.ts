import type { Database } from '../../core/sqlite.ts'
import type { SecurityProfile } from '../../protocol/boarding.ts'

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

/** What agents can be sorted by, and the column of each. */
const sortColumns = {
  id: 'id',
  name: 'name',
  entityId: 'entity_id',
  securityProfile: 'security_profile',
} as const
export type SortProperty = keyof typeof sortColumns
export const sortProperties = Object.keys(sortColumns) as SortProperty[]

export interface AgentQuery {
  tenant: string
  filter: { id?: string; name?: string; securityProfile?: string }
  sort: { property: SortProperty; descending: boolean }[]
  /** Counted from 0. */
  page: number
  size: number
}

const columns = `
  id, tenant, name, security_profile AS securityProfile, entity_id AS entityId, etag AS eTag,
  boarding_status AS boardingStatus, generation`

const matching = `
  tenant = @tenant AND (@id IS NULL OR id = @id) AND (@name IS NULL OR name = @name)
  AND (@securityProfile IS NULL OR security_profile = @securityProfile)`

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
  const count = db.prepare<[object], { total: number }>(`
    SELECT count(*) AS total FROM agent WHERE ${matching}`)
  const updateIdentity = db.prepare<Pick<Agent, 'id' | 'name' | 'securityProfile'>>(`
    UPDATE agent SET name = @name, security_profile = @securityProfile, etag = etag + 1 WHERE id = @id`)
  const updateStatus = db.prepare<[BoardingStatus, string]>(`
    UPDATE agent SET boarding_status = ? WHERE id = ?`)
  const endGeneration = db.prepare<[string]>(`UPDATE agent SET generation = generation + 1 WHERE id = ?`)
  const remove = db.prepare<[string]>(`DELETE FROM agent WHERE id = ?`)

  return {
    add: (agent: NewAgent, now: number): void => void insert.run({ ...agent, now }),
    find: (id: string): Agent | undefined => select.get(id),
    named: (name: string): Agent[] => selectNamed.all(name),
    all: (tenant?: string): Agent[] => selectAll.all(tenant ?? null, tenant ?? null),
    isNameTaken: (tenant: string, name: string, except = ''): boolean =>
      selectTwin.get(tenant, name, except) !== undefined,
    page({ tenant, filter, sort, page, size }: AgentQuery): { agents: Agent[]; total: number } {
      const asked = { tenant, id: null, name: null, securityProfile: null, ...filter }
      const order = [...sort, { property: 'id' as const, descending: false }]
        .map(({ property, descending }) => `${sortColumns[property]} ${descending ? 'DESC' : 'ASC'}`)
        .join(', ')
      const selectPage = db.prepare<[object], Agent>(`
        SELECT ${columns} FROM agent WHERE ${matching} ORDER BY ${order} LIMIT @size OFFSET @offset`)
      return {
        agents: selectPage.all({ ...asked, size, offset: page * size }),
        total: count.get(asked)?.total ?? 0,
      }
    },
    rename: (agent: Pick<Agent, 'id' | 'name' | 'securityProfile'>): void => void updateIdentity.run(agent),
    setStatus: (id: string, status: BoardingStatus): void => void updateStatus.run(status, id),
    endGeneration: (id: string): void => void endGeneration.run(id),
    remove: (id: string): void => void remove.run(id),
  }
}
