import type { AuditHead, Store } from '../store/index.ts'
import { type AuditFault, unverified } from '../store/index.ts'

/** A head that was seen before, as the hub shows it. */
export interface SeenHead {
  id: number
  /** Hex. */
  hash: string
}

export interface Verification {
  isGood: boolean
  entries: number
  checkpoints: number
  /** How far the audit has come, and the key that signs. */
  head: AuditHead
  /** Only the first: what comes after rests on it. */
  fault?: AuditFault | { kind: 'other_chain'; id: number }
}

/** So long the store does nothing else. */
const atOnce = 500

/** Looks through all that is kept, a piece at a time. */
export async function verifyAudit(
  store: Pick<Store, 'verifyAudit' | 'auditHead'>,
  seen: SeenHead | undefined,
): Promise<Verification> {
  let [entries, checkpoints, isMet] = [0, 0, false]
  for (let next = unverified; ; ) {
    // The chain is followed entry by entry near the head that was seen, so that its hash can be compared.
    const untilSeen = seen === undefined ? atOnce : seen.id - next.id
    const part = await store.verifyAudit(next, untilSeen > 0 && untilSeen < atOnce ? untilSeen : atOnce)
    entries += part.entries
    checkpoints += part.checkpoints
    const { upTo } = part
    let { fault }: Pick<Verification, 'fault'> = part
    if (seen && upTo.id === seen.id) {
      isMet = true
      if (upTo.hash !== seen.hash.toLowerCase()) fault ??= { kind: 'other_chain', id: seen.id }
    }
    if (part.next && !fault) {
      next = part.next
      continue
    }
    if (seen && !isMet && upTo.id < seen.id) fault ??= { kind: 'missing', id: upTo.id + 1 }
    const head = await store.auditHead()
    return { isGood: fault === undefined, entries, checkpoints, head, ...(fault && { fault }) }
  }
}
