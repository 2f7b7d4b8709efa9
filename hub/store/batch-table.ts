import type { Database } from '../../core/sqlite.ts'

export interface BatchRow {
  agentId: string
  epoch: string
  seq: number
  receivedAt: number
  /** Number of readings. */
  readings: number
}

export function batchTable(db: Database) {
  const insert = db.prepare<BatchRow>(`
    INSERT OR IGNORE INTO batch (agent, epoch, seq, received_at, readings)
    VALUES (@agentId, @epoch, @seq, @receivedAt, @readings)`)
  const remove = db.prepare<[string]>('DELETE FROM batch WHERE agent = ?')

  return {
    /** False when the batch was there already. */
    add: (row: BatchRow): boolean => insert.run(row).changes > 0,
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
