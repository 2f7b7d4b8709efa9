import type { Database } from '../../core/sqlite.ts'

export function removedAgentTable(db: Database) {
  const insert = db.prepare<[string, number]>(`INSERT INTO removed_agent (id, removed_at) VALUES (?, ?)`)
  const select = db.prepare<[], { id: string }>(`SELECT id FROM removed_agent`)
  const remove = db.prepare<[string]>(`DELETE FROM removed_agent WHERE id = ?`)

  return {
    add: (id: string, now: number): void => void insert.run(id, now),
    ids: (): string[] => select.all().map(({ id }) => id),
    forget: (id: string): void => void remove.run(id),
  }
}
