import type { Range } from '../../../protocol/ack.ts'
import type { Gap, GapReport } from '../../../protocol/gap.ts'
import type { gapTable, Loss } from './gap-table.ts'

/** The loss ledger: what did not arrive, and why. All that writes belongs in the caller's transaction. */
export interface Ledger {
  readonly name: string
  /** Contiguous losses of one source and reason become one row. */
  add(losses: readonly Loss[]): void
  waiting(limit: number): GapReport | undefined
  acknowledge(ranges: readonly Range[]): void
  below(id: number, limit: number): Gap[]
}

const maxRows = 10_000
const foldedRows = 2_000

export function createLedger(table: ReturnType<typeof gapTable>, name: string): Ledger {
  let rows = table.count()

  function trim(): void {
    rows = table.count()
    if (rows <= maxRows) return
    table.removeAcknowledged(foldedRows)
    rows = table.count()
    if (rows > maxRows) foldOldest()
    rows = table.count()
  }

  /** First by source within an epoch, then without regard to the source, at last of all epochs. */
  function foldOldest(): void {
    const oldest = table.waiting(foldedRows)
    const keys: ((row: Gap) => string)[] = [
      ({ epoch, source, reason }) => JSON.stringify([epoch, source, reason]),
      ({ epoch, reason }) => JSON.stringify([epoch, reason]),
      ({ reason }) => reason,
    ]
    const folded = keys
      .map((key) => fold(oldest, key))
      .find((result) => result.length <= foldedRows / 2) as Loss[]
    table.removeUpTo((oldest.at(-1) as Gap).id)
    folded.forEach(table.add)
  }

  return {
    name,
    add(losses) {
      for (const loss of losses) table.add(loss)
      rows += losses.length
      if (rows > maxRows) trim()
    },
    waiting(limit) {
      const waiting = table.waiting(limit)
      const last = waiting.at(-1)
      if (last === undefined) return undefined
      if (waiting.some(({ isGiven }) => !isGiven)) table.giveUpTo(last.id)
      return { ledger: name, rows: waiting.map(({ isGiven: _, ...row }) => row) }
    },
    acknowledge(ranges) {
      for (const [from, to] of ranges) table.acknowledge(from, to)
    },
    below: table.below,
  }
}

/** Rows of one key become one, without numbers where they do not follow each other. */
function fold(rows: readonly Gap[], keyOf: (row: Gap) => string): Loss[] {
  const groups = Map.groupBy(rows, keyOf)
  return [...groups.values()].map((group) => {
    const last = group.at(-1) as Gap
    const hasNumbers = group.length === 1 && last.first !== undefined && last.last !== undefined
    const hasOneSource = group.every(({ source }) => source === last.source)
    const counts = group.map(({ count }) => count).filter((count) => count !== undefined)
    return {
      epoch: last.epoch,
      ...(hasOneSource && last.source !== undefined ? { source: last.source } : {}),
      ...(hasNumbers ? { first: last.first as number, last: last.last as number } : {}),
      ...(counts.length > 0 ? { count: counts.reduce((sum, count) => sum + count, 0) } : {}),
      reason: last.reason,
      since: Math.min(...group.map(({ since }) => since)),
      until: Math.max(...group.map(({ until }) => until)),
    }
  })
}
