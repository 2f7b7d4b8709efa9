import type { AuditHead } from '../protocol/agent-report.ts'
import { statusOf } from '../protocol/alarm.ts'
import type { GapReason } from '../protocol/gap.ts'
import type { KeptAuditHead } from './alarms/audit-head-table.ts'
import type { Presence } from './http/agents.ts'
import type { ReadingStore, SourceBalance } from './store/index.ts'

/** What is known of the box of an agent: whether it is there, and what it said last of itself. */
export async function agentStatus(
  { store, presence }: { store: ReadingStore; presence: Presence },
  agentId: string,
) {
  const [kept, audit, malformed, balance] = await Promise.all([
    store.report(agentId),
    store.auditHead(agentId),
    store.malformed(agentId),
    store.balance(agentId),
  ])
  const seenAt = presence.lastSeenAt(agentId)
  return {
    online: presence.isOnline(agentId),
    lastSeenAt: seenAt === undefined ? null : iso(seenAt),
    ...lostOf(balance),
    malformedBatches: malformed.count,
    lastMalformed: malformed.lastReason,
    report: kept ? readable(kept) : null,
    audit: audit ? describeAudit(audit) : null,
  }
}

/** Readings that did not arrive, by reason, and those of which nobody has said why. */
function lostOf(balance: readonly SourceBalance[]) {
  const lost: Partial<Record<GapReason, number>> = {}
  for (const source of balance)
    for (const [reason, count] of Object.entries(source.lost) as [GapReason, number][])
      lost[reason] = (lost[reason] ?? 0) + count
  return { lost, missing: balance.reduce((sum, { missing }) => sum + missing, 0) }
}

function readable({ receivedAt, report }: NonNullable<Awaited<ReturnType<ReadingStore['report']>>>) {
  const { time, outbox, flash, alarms, moreAlarms: _, events: __, audit: ___, ...rest } = report
  const { oldestAt, ...waiting } = outbox
  return {
    ...rest,
    receivedAt: iso(receivedAt),
    time: iso(time),
    outbox: {
      ...waiting,
      /** Age of what waits longest for its acknowledgement, when this was sent. */
      oldestAgeMs: oldestAt === undefined ? null : Math.max(0, time - oldestAt),
    },
    flash: flash ?? null,
    /** Those that stand. */
    alarms: alarms
      .filter((alarm) => statusOf(alarm) !== 'CLEARED')
      .map(({ code, message, severity, raisedAt }) => ({ code, message, severity, raisedAt: iso(raisedAt) })),
  }
}

/** `head` is what "edgeward audit verify --head" takes on the box. */
function describeAudit({ head, receivedAt, fault }: KeptAuditHead) {
  const text = ({ id, hash }: AuditHead) => `${id}:${hash}`
  const { kind, before, after, foundAt } = fault ?? {}
  return {
    ...{ head: text(head), key: head.key, receivedAt: iso(receivedAt) },
    ...(kind && before && after && foundAt !== undefined
      ? { fault: { kind, before: text(before), after: text(after), foundAt: iso(foundAt) } }
      : {}),
  }
}

/** A report may hold any number. */
function iso(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString()
}
