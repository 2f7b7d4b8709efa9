import type { Database } from '../../core/sqlite.ts'

export interface MalformedRow {
  agentId: string
  /** Null where not even the batches could be named. */
  epoch: string | null
  first: number | null
  last: number | null
  receivedAt: number
  reason: string
  payload: Uint8Array
}

/** What an agent has sent that could not be read; null when nothing. */
export interface MalformedTally {
  /** Ever. */
  count: number
  /** The newest of them, of which the payload is still there. */
  kept: number
  lastAt: number | null
  lastReason: string | null
}

/** Of each agent; beyond, the oldest payloads go. */
const maxKept = 1000
const maxKeptBytes = 16 * 1024 * 1024
const maxReason = 1000

export function malformedTable(db: Database) {
  const insert = db.prepare<MalformedRow>(`
    INSERT INTO malformed (agent, epoch, first, last, received_at, reason, payload)
    VALUES (@agentId, @epoch, @first, @last, @receivedAt, @reason, @payload)`)
  const count = db.prepare<[string, number], { kept: number; bytes: number }>(`
    INSERT INTO malformed_tally (agent, count, kept, kept_bytes) VALUES (?, 1, 1, ?)
        ON CONFLICT (agent) DO UPDATE
       SET count = count + 1, kept = kept + 1, kept_bytes = kept_bytes + excluded.kept_bytes
    RETURNING kept, kept_bytes AS bytes`)
  const oldest = db.prepare<[string], { id: number; bytes: number }>(
    'SELECT id, length(payload) AS bytes FROM malformed WHERE agent = ? ORDER BY id LIMIT 1',
  )
  const removeOne = db.prepare<[number]>('DELETE FROM malformed WHERE id = ?')
  const setKept = db.prepare<[number, number, string]>(
    'UPDATE malformed_tally SET kept = ?, kept_bytes = ? WHERE agent = ?',
  )
  const tally = db.prepare<{ agentId: string }, MalformedTally>(`
    SELECT coalesce((SELECT count FROM malformed_tally WHERE agent = @agentId), 0) AS count,
           coalesce((SELECT kept FROM malformed_tally WHERE agent = @agentId), 0) AS kept,
           (SELECT max(received_at) FROM malformed WHERE agent = @agentId) AS lastAt,
           (SELECT reason FROM malformed WHERE agent = @agentId ORDER BY id DESC LIMIT 1) AS lastReason`)
  const removals = ['malformed', 'malformed_tally'].map((table) =>
    db.prepare<[string]>(`DELETE FROM ${table} WHERE agent = ?`),
  )

  function bound(agentId: string, kept: number, bytes: number): void {
    if (kept <= maxKept && bytes <= maxKeptBytes) return
    while (kept > 1 && (kept > maxKept || bytes > maxKeptBytes)) {
      const first = oldest.get(agentId)
      if (!first) break
      removeOne.run(first.id)
      kept--
      bytes -= first.bytes
    }
    setKept.run(kept, bytes, agentId)
  }

  return {
    add(row: MalformedRow): void {
      insert.run({ ...row, reason: row.reason.slice(0, maxReason) })
      const { kept, bytes } = count.get(row.agentId, row.payload.length) as { kept: number; bytes: number }
      bound(row.agentId, kept, bytes)
    },
    tally: (agentId: string): MalformedTally => tally.get({ agentId }) as MalformedTally,
    removeAgent(agentId: string): void {
      for (const removal of removals) removal.run(agentId)
    },
  }
}
