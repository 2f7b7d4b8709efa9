import type { Database } from '../../core/sqlite.ts'

/** So many are held in memory, over all agents. */
const maxHeld = 200_000

export type PointTable = ReturnType<typeof pointTable>

export function pointTable(db: Database) {
  const insert = db.prepare<[string, string]>('INSERT INTO point (agent, point) VALUES (?, ?)')
  const select = db.prepare<[string, string], { id: number }>(
    'SELECT id FROM point WHERE agent = ? AND point = ?',
  )
  const selectOf = db.prepare<[string], { id: number; point: string }>(
    'SELECT id, point FROM point WHERE agent = ? ORDER BY id',
  )
  const remove = db.prepare<[string]>('DELETE FROM point WHERE agent = ?')
  const held = new Map<string, Map<string, number>>()
  let heldCount = 0
  const forget = (): void => {
    held.clear()
    heldCount = 0
  }

  return {
    /** The row of an agent's point, made when it is new. */
    idOf(agentId: string, point: string): number {
      const known = held.get(agentId)?.get(point)
      if (known !== undefined) return known
      const id = select.get(agentId, point)?.id ?? Number(insert.run(agentId, point).lastInsertRowid)
      if (++heldCount > maxHeld) forget()
      const ofAgent = held.get(agentId)
      if (ofAgent) ofAgent.set(point, id)
      else held.set(agentId, new Map([[point, id]]))
      return id
    },
    /** Undefined for one that has never sent. */
    find: (agentId: string, point: string): number | undefined => select.get(agentId, point)?.id,
    ofAgent: (agentId: string): { id: number; point: string }[] => selectOf.all(agentId),
    /** What is in memory is not on disk: a transaction has failed. */
    forget,
    removeAgent(agentId: string): void {
      remove.run(agentId)
      forget()
    },
  }
}
