import type { Database } from '../../core/sqlite.ts'
import { type ChainedRow, hashOf, origin, type Seal } from './audit-chain.ts'
import type { auditCheckpointTable, CheckpointRow } from './audit-checkpoint.ts'

/** Up to here all is good. */
export interface Verified {
  readonly id: number
  /** Hex. */
  readonly hash: string
  /** Id of the last checkpoint that was met. */
  readonly checkpoint: number
}

export interface AuditFault {
  readonly kind: 'changed' | 'missing' | 'reordered' | 'forged_checkpoint' | 'missing_checkpoint'
  /** Of the first entry with which something is wrong. */
  readonly id: number
}

export interface VerifiedPart {
  /** Where to go on; absent at the end, and after a fault. */
  readonly next?: Verified
  readonly upTo: Verified
  readonly entries: number
  readonly checkpoints: number
  readonly fault?: AuditFault
}

export const unverified: Verified = { id: origin.id, hash: origin.hash.toString('hex'), checkpoint: 0 }

type Row = ChainedRow & { readonly hash: Buffer }

/** Rows that are looked through for the one that belongs where another stands. */
const searched = 1_000

/**
 * Looks through the chain, so many entries or checkpoints at a time. Its beginning may have been removed:
 * then a checkpoint stands for it.
 */
export function auditVerification(
  db: Database,
  columns: string,
  { checkpoints, seal }: { checkpoints: ReturnType<typeof auditCheckpointTable>; seal: Seal },
) {
  const above = db.prepare<[number, number], Row>(
    `SELECT ${columns}, hash FROM audit WHERE id > ? ORDER BY id LIMIT ?`,
  )
  const first = db.prepare<[], { id: number }>(`SELECT id FROM audit ORDER BY id LIMIT 1`)

  const faultOf = (checkpoint: CheckpointRow, before: number): AuditFault | undefined => {
    if (!seal.isGood(checkpoint)) return forged(checkpoint)
    return checkpoint.after === before ? undefined : { kind: 'missing_checkpoint', id: checkpoint.after }
  }

  /** The beginning that has gone, by its checkpoints. */
  function skip(from: Verified, firstId: number, limit: number): VerifiedPart {
    let upTo = from
    let met = 0
    for (const checkpoint of checkpoints.above(from.checkpoint, limit)) {
      if (checkpoint.id >= firstId) return { ...ended(upTo, 0, met), fault: missing(upTo) }
      // Of those whose entries have gone, the oldest go too.
      const fault = faultOf(checkpoint, upTo.checkpoint === 0 ? checkpoint.after : upTo.checkpoint)
      if (fault) return { ...ended(upTo, 0, met), fault }
      met++
      const { id, hash } = checkpoint
      upTo = { id, hash: hash.toString('hex'), checkpoint: id }
      if (id === firstId - 1) break
    }
    if (met > 0) return { ...ended(upTo, 0, met), next: upTo }
    return firstId === Number.POSITIVE_INFINITY
      ? ended(upTo, 0, 0)
      : { ...ended(upTo, 0, 0), fault: missing(upTo) }
  }

  function walk(from: Verified, limit: number): VerifiedPart {
    let upTo = from
    let met = 0
    let entries = 0
    const signed = checkpoints.above(from.checkpoint, limit)
    for (const row of above.all(from.id, limit)) {
      const end = (fault: AuditFault): VerifiedPart => ({ ...ended(upTo, entries, met), fault })
      if (row.id !== upTo.id + 1) return end(missing(upTo))
      const previous = Buffer.from(upTo.hash, 'hex')
      if (!hashOf(previous, row).equals(row.hash)) return end({ kind: kindOf(previous, row), id: row.id })
      let { checkpoint } = upTo
      const [next] = signed
      if (next?.id === row.id) {
        signed.shift()
        const fault =
          faultOf(next, upTo.checkpoint) ?? (next.hash.equals(row.hash) ? undefined : forged(next))
        if (fault) return end(fault)
        checkpoint = next.id
        met++
      }
      entries++
      upTo = { id: row.id, hash: row.hash.toString('hex'), checkpoint }
    }
    if (entries === limit) return { ...ended(upTo, entries, met), next: upTo }
    const [beyond] = checkpoints.above(upTo.checkpoint, 1)
    return beyond ? { ...ended(upTo, entries, met), fault: missing(upTo) } : ended(upTo, entries, met)
  }

  /** Reordered, where the entry that belongs here stands elsewhere. */
  function kindOf(previous: Buffer, { id, hash }: Row): AuditFault['kind'] {
    const isMoved = above.all(id, searched).some((other) => {
      const belongs = hashOf(previous, { ...other, id })
      return belongs.equals(other.hash) || belongs.equals(hash)
    })
    return isMoved ? 'reordered' : 'changed'
  }

  return (from: Verified, limit: number): VerifiedPart => {
    const firstId = first.get()?.id ?? Number.POSITIVE_INFINITY
    return from.id + 1 < firstId ? skip(from, firstId, limit) : walk(from, limit)
  }
}

const ended = (upTo: Verified, entries: number, checkpoints: number): VerifiedPart => ({
  ...{ upTo, entries, checkpoints },
})
const missing = ({ id }: Verified): AuditFault => ({ kind: 'missing', id: id + 1 })
const forged = ({ id }: CheckpointRow): AuditFault => ({ kind: 'forged_checkpoint', id })
