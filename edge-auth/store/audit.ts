import type { Database } from '../../core/sqlite.ts'
import { isOld, type OldBy } from '../retention/rule.ts'
import { type ChainedRow, hashOf, type Link, openSeal, origin } from './audit-chain.ts'
import { auditCheckpointTable, type CheckpointRow } from './audit-checkpoint.ts'
import type { AuditEntry, AuditQuery, StoredAuditEntry } from './audit-entry.ts'
import { aged, shown, toEntry, toRow } from './audit-rows.ts'
import { auditVerification } from './audit-verification.ts'

export type { AuditEntry, AuditQuery, AuditType, StoredAuditEntry } from './audit-entry.ts'

export interface AuditConfig {
  /** What the entries may take on disk: flash is small, and strangers can cause entries. */
  maxBytes: number
}

/** What has come so far, signed. */
export interface AuditHead {
  readonly id: number
  /** Hex. */
  readonly hash: string
  /** Names the key that signs the checkpoints. */
  readonly key: string
  readonly checkpoint?: { id: number; hash: string; time: number; after: number; signature: string }
}

type Row = ChainedRow
type QueryRow = {
  [K in keyof Required<Omit<AuditQuery, 'types'>>]: NonNullable<AuditQuery[K]> | null
} & { types: string | null }

/** Entries that are signed for together at the latest. */
const longestStretch = 1_000
/** Beside columns whose length is counted: numbers, hash, indexes. */
const rowOverhead = 160
/** Removed in one go, so that nobody waits long. */
const stretchesAtOnce = 10
/** Stand for entries that have gone. */
const maxCheckpoints = 20_000

const columns = `id, type, user, client_id AS clientId, session, address, user_agent AS userAgent,
  request_id AS requestId, actor, reason, detail, device_time AS deviceTime, server_time AS serverTime`

/** A chain: each entry is hashed with the one before. */
export function auditTable(db: Database, { maxBytes }: AuditConfig) {
  const seal = openSeal(db)
  const checkpoints = auditCheckpointTable(db)
  const insert = db.prepare<Row & { hash: Buffer }>(`
    INSERT INTO audit (id, type, user, client_id, session, address, user_agent, request_id, actor, reason, detail,
                       device_time, server_time, hash)
    VALUES (@id, @type, @user, @clientId, @session, @address, @userAgent, @requestId, @actor, @reason, @detail,
            @deviceTime, @serverTime, @hash)`)
  const newest = db.prepare<[], Link>(`SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1`)
  const oldest = db.prepare<[], { id: number }>(`SELECT id FROM audit ORDER BY id LIMIT 1`)
  const sizeAbove = db.prepare<[number], { bytes: number }>(`
    SELECT coalesce(sum(${rowOverhead} + octet_length(type) + coalesce(octet_length(user), 0)
                        + coalesce(octet_length(client_id), 0) + coalesce(octet_length(address), 0)
                        + coalesce(octet_length(user_agent), 0) + coalesce(octet_length(request_id), 0)
                        + coalesce(octet_length(detail), 0)), 0) AS bytes
      FROM audit WHERE id > ?`)
  const between = db.prepare<[number, number], Row>(
    `SELECT ${columns} FROM audit WHERE id > ? AND id <= ? ORDER BY id`,
  )
  const removeUpTo = db.prepare<[number]>(`DELETE FROM audit WHERE id <= ?`)
  const select = db.prepare<[QueryRow], Row>(`
    SELECT ${columns}
      FROM audit
     WHERE (@user IS NULL OR user = @user) AND (@type IS NULL OR type = @type)
       AND (@types IS NULL OR type IN (SELECT value FROM json_each(@types)))
       AND (@since IS NULL OR device_time >= @since) AND (@until IS NULL OR device_time < @until)
       AND (@before IS NULL OR id < @before)
     ORDER BY id DESC LIMIT @limit`)

  const head = (): Link => newest.get() ?? checkpoints.last() ?? origin
  const append = (entry: AuditEntry): void => {
    const last = head()
    const row: Row = { id: last.id + 1, ...toRow(entry) }
    insert.run({ ...row, hash: hashOf(last.hash, row) })
  }

  /** Nothing when nothing is new. */
  const checkpoint = (time: number): void => {
    const { id: after } = checkpoints.last() ?? origin
    const { id, hash } = head()
    if (id === after) return
    const bytes = sizeAbove.get(after)?.bytes ?? 0
    checkpoints.add({ id, hash, time, after, bytes, signature: seal.sign({ id, hash, time, after }) })
  }

  /** Checkpoints whose entries are there. */
  const kept = (): CheckpointRow[] => {
    const first = oldest.get()?.id
    return first === undefined ? [] : checkpoints.above(first - 1, Number.MAX_SAFE_INTEGER)
  }
  const remove = ({ id }: Link, reason: 'age' | 'size', deviceTime: number): number => {
    const count = id - (oldest.get()?.id ?? id + 1) + 1
    removeUpTo.run(id)
    checkpoints.forget(id, maxCheckpoints)
    append({ type: 'entries_removed', reason, detail: { upTo: id, count }, deviceTime })
    return count
  }
  const keepSize = (deviceTime: number): void => {
    let bytes = checkpoints.bytesAbove((oldest.get()?.id ?? 1) - 1)
    let last: Link | undefined
    for (const each of kept().slice(0, -1)) {
      if (bytes <= maxBytes) break
      bytes -= each.bytes
      last = each
    }
    if (last) remove(last, 'size', deviceTime)
  }

  return {
    add(entries: readonly AuditEntry[]): void {
      for (const entry of entries) append(entry)
      const [time] = entries.slice(-1).map(({ deviceTime }) => deviceTime)
      if (time === undefined || head().id - (checkpoints.last()?.id ?? 0) < longestStretch) return
      checkpoint(time)
      keepSize(time)
    },
    checkpoint,
    /** Some whole stretches, the oldest first, as long as each entry of one is old by a rule; 0: no more. */
    removeOld(rules: readonly OldBy[], deviceTime: number): number {
      let last: Link | undefined
      let from = (oldest.get()?.id ?? 1) - 1
      for (const each of kept().slice(0, stretchesAtOnce)) {
        if (!between.all(from, each.id).every((row) => rules.some((rule) => isOld(rule, aged(row))))) break
        last = each
        from = each.id
      }
      return last ? remove(last, 'age', deviceTime) : 0
    },
    head(): AuditHead {
      const [{ id, hash }, signed] = [head(), checkpoints.last()]
      return {
        ...{ id, hash: hash.toString('hex'), key: seal.name },
        ...(signed && { checkpoint: shown(signed) }),
      }
    },
    verify: auditVerification(db, columns, { checkpoints, seal }),
    list: ({ user, type, types, since, until, before, limit }: AuditQuery): StoredAuditEntry[] =>
      select
        .all({
          ...{ user: user ?? null, type: type ?? null, since: since ?? null },
          ...{ types: types === undefined ? null : JSON.stringify(types) },
          ...{ until: until ?? null, before: before ?? null, limit },
        })
        .map(toEntry),
  }
}
