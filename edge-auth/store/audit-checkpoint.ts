import type { Database } from '../../core/sqlite.ts'
import type { Checkpoint } from './audit-chain.ts'

export type CheckpointRow = Checkpoint & {
  /** About what its stretch takes on disk, while its entries are there. */
  readonly bytes: number
}

export function auditCheckpointTable(db: Database) {
  const columns = 'id, after, hash, time, bytes, signature'
  const insert = db.prepare<CheckpointRow>(`
    INSERT INTO audit_checkpoint (${columns}) VALUES (@id, @after, @hash, @time, @bytes, @signature)`)
  const last = db.prepare<[], CheckpointRow>(
    `SELECT ${columns} FROM audit_checkpoint ORDER BY id DESC LIMIT 1`,
  )
  const above = db.prepare<[number, number], CheckpointRow>(
    `SELECT ${columns} FROM audit_checkpoint WHERE id > ? ORDER BY id LIMIT ?`,
  )
  const bytesAbove = db.prepare<[number], { bytes: number }>(
    `SELECT coalesce(sum(bytes), 0) AS bytes FROM audit_checkpoint WHERE id > ?`,
  )
  const forget = db.prepare<[number, number]>(`
    DELETE FROM audit_checkpoint
     WHERE id < ? AND id <= (SELECT id FROM audit_checkpoint ORDER BY id DESC LIMIT 1 OFFSET ?)`)

  return {
    add: (row: CheckpointRow): void => void insert.run(row),
    last: (): CheckpointRow | undefined => last.get(),
    /** In order. */
    above: (id: number, limit: number): CheckpointRow[] => above.all(id, limit),
    bytesAbove: (id: number): number => bytesAbove.get(id)?.bytes ?? 0,
    /** All but the newest `count`, of those below `id`. */
    forget: (id: number, count: number): void => void forget.run(id, count),
  }
}
