import type { Aged } from '../retention/rule.ts'
import type { ChainedRow } from './audit-chain.ts'
import type { CheckpointRow } from './audit-checkpoint.ts'
import type { AuditEntry, StoredAuditEntry } from './audit-entry.ts'

/** Of a checkpoint, for others to keep. */
export const shown = ({ id, hash, time, after, signature }: CheckpointRow) => ({
  ...{ id, hash: hash.toString('hex'), time, after, signature: signature.toString('base64') },
})

/** As rules see an entry. */
export const aged = ({ type, user, clientId, detail, deviceTime, serverTime }: ChainedRow): Aged => ({
  ...{ type, sources: [clientId, user].filter((name) => name !== null), at: serverTime ?? deviceTime },
  fragments: detail === null ? [] : Object.keys(JSON.parse(detail)),
})

/** What the database gives back must be what was hashed. */
const text = (value: string | undefined): string | null => value?.toWellFormed() ?? null

export function toRow({ detail, ...entry }: AuditEntry): Omit<ChainedRow, 'id'> {
  return {
    ...{ type: entry.type, deviceTime: entry.deviceTime, serverTime: entry.serverTime ?? null },
    ...{ user: text(entry.user), clientId: text(entry.clientId), session: text(entry.session) },
    ...{ address: text(entry.address), userAgent: text(entry.userAgent) },
    ...{ requestId: text(entry.requestId), actor: text(entry.actor), reason: text(entry.reason) },
    detail: detail === undefined ? null : JSON.stringify(detail),
  }
}

/** What is not known is left out. */
export function toEntry({ detail, ...row }: ChainedRow): StoredAuditEntry {
  const known = Object.entries(row).filter(([, value]) => value !== null)
  const entry = Object.fromEntries(known) as unknown as StoredAuditEntry
  return detail === null ? entry : { ...entry, detail: JSON.parse(detail) }
}
