import type { Database } from '../../core/sqlite.ts'

export interface MalformedRow {
  agentId: string
  epoch: string
  seq: number
  receivedAt: number
  reason: string
  payload: Uint8Array
}

export function malformedTable(db: Database) {
  const insert = db.prepare<MalformedRow>(`
    INSERT INTO malformed (agent, epoch, seq, received_at, reason, payload)
    VALUES (@agentId, @epoch, @seq, @receivedAt, @reason, @payload)`)
  const remove = db.prepare<[string]>('DELETE FROM malformed WHERE agent = ?')

  return {
    add: (row: MalformedRow): void => void insert.run(row),
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
