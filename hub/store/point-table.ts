import type { Database } from '../../core/sqlite.ts'

export function pointTable(db: Database) {
  const insert = db.prepare<[string, string]>('INSERT INTO point (agent, point) VALUES (?, ?)')
  const select = db.prepare<[string, string], { id: number }>(
    'SELECT id FROM point WHERE agent = ? AND point = ?',
  )
  const remove = db.prepare<[string]>('DELETE FROM point WHERE agent = ?')

  return {
    /** The row of an agent's point, made when it is new. */
    idOf(agentId: string, point: string): number {
      return select.get(agentId, point)?.id ?? Number(insert.run(agentId, point).lastInsertRowid)
    },
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
