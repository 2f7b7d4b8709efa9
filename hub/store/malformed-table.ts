import type { Database } from '../../core/sqlite.ts'

export interface MalformedRow {
  agentId: string
  /** Null where not even a name could be read. */
  epoch: string | null
  seq: number | null
  receivedAt: number
  reason: string
  payload: Uint8Array
}

/** What an agent has sent that could not be read; null when nothing. */
export interface MalformedTally {
  count: number
  lastAt: number | null
  lastReason: string | null
}

export function malformedTable(db: Database) {
  const insert = db.prepare<MalformedRow>(`
    INSERT INTO malformed (agent, epoch, seq, received_at, reason, payload)
    VALUES (@agentId, @epoch, @seq, @receivedAt, @reason, @payload)`)
  const tally = db.prepare<[string], MalformedTally>(`
    SELECT count(*) AS count, max(received_at) AS lastAt,
           (SELECT reason FROM malformed WHERE agent = m.agent ORDER BY id DESC LIMIT 1) AS lastReason
      FROM malformed m WHERE agent = ?`)
  const remove = db.prepare<[string]>('DELETE FROM malformed WHERE agent = ?')

  return {
    add: (row: MalformedRow): void => void insert.run(row),
    tally: (agentId: string): MalformedTally => tally.get(agentId) as MalformedTally,
    removeAgent: (agentId: string): void => void remove.run(agentId),
  }
}
