import type { Database } from '../../core/sqlite.ts'
import type { Range } from '../../protocol/ack.ts'
import type { GapReason } from '../../protocol/gap.ts'
import { countIn, without } from '../ranges.ts'
import type { GapTable, NumberedLoss, OpenLoss } from './gap-table.ts'

/** What became of the readings of a source, over all its epochs: produced = received + lost + missing. */
export interface SourceBalance {
  /** Null: lost without a word of which source. */
  source: string | null
  produced: number
  received: number
  lost: Partial<Record<GapReason, number>>
  /** Neither received nor explained: still on the way, or a fault. */
  missing: number
}

interface Received {
  epoch: string
  source: string
  first: number
  last: number
}

/** The numbers of one source in one epoch. */
interface Numbers {
  epoch: string
  source: string
  received: Range[]
  losses: NumberedLoss[]
}

export function createBalance(db: Database, gaps: GapTable): (agentId: string) => SourceBalance[] {
  const selectReceived = db.prepare<[string], Received>(`
    SELECT epoch, source, first, last
      FROM epoch JOIN source ON source.epoch_id = epoch.id JOIN received ON received.source_id = source.id
     WHERE agent = ? ORDER BY source.id, first`)

  return (agentId) => {
    const bySource = new Map<string | null, SourceBalance>()
    const of = (source: string | null): SourceBalance => {
      const balance = bySource.get(source) ?? { source, produced: 0, received: 0, lost: {}, missing: 0 }
      bySource.set(source, balance)
      return balance
    }
    const open = gaps.open(agentId)
    for (const numbers of toNumbers(selectReceived.all(agentId), gaps.numbered(agentId)))
      addNumbers(of(numbers.source), numbers, open)
    for (const { source, reason, count } of gaps.counted(agentId)) {
      const balance = of(source)
      balance.produced += count
      lose(balance, reason, count)
    }
    return [...bySource.values()].sort((a, b) => (a.source ?? '').localeCompare(b.source ?? ''))
  }
}

function toNumbers(received: readonly Received[], losses: readonly NumberedLoss[]): Iterable<Numbers> {
  const all = new Map<string, Numbers>()
  const of = ({ epoch, source }: { epoch: string; source: string }): Numbers => {
    const key = `${epoch} ${source}`
    const numbers = all.get(key) ?? { epoch, source, received: [], losses: [] }
    all.set(key, numbers)
    return numbers
  }
  for (const row of received) of(row).received.push([row.first, row.last])
  for (const loss of losses) of(loss).losses.push(loss)
  return all.values()
}

/** What arrived after all, dropped while its acknowledgement was under way, is not lost. */
function addNumbers(
  balance: SourceBalance,
  { epoch, source, received, losses }: Numbers,
  open: readonly OpenLoss[],
): void {
  const arrived = countIn(received)
  let explained = 0
  let upTo = 0
  for (const { first, last, reason } of losses.toSorted((a, b) => a.first - b.first)) {
    const count = countIn(without([Math.max(first, upTo + 1), last], received))
    upTo = Math.max(upTo, last)
    explained += count
    if (count > 0) lose(balance, reason, count)
  }
  const highest = Math.max(upTo, received.at(-1)?.[1] ?? 0)
  const holes = highest - arrived - explained
  const reason = open.find((row) => row.epoch === epoch && (row.source ?? source) === source)?.reason
  if (reason !== undefined && holes > 0) lose(balance, reason, holes)
  else balance.missing += holes
  balance.produced += highest
  balance.received += arrived
}

function lose({ lost }: SourceBalance, reason: GapReason, count: number): void {
  lost[reason] = (lost[reason] ?? 0) + count
}
