import type { Database } from '../../core/sqlite.ts'
import type { Gap, GapReason, GapReport } from '../../protocol/gap.ts'

/** A row of an agent's loss ledger. */
export interface GapRow extends Gap {
  /** Where it stands among all rows that came. */
  row: number
}

export interface GapQuery {
  agentId: string
  /** Only rows that came before this one. */
  before?: number
  limit: number
}

/** What of a report was new: readings by reason, where their number is known. */
export type AddedGaps = Partial<Record<GapReason, number>>

type Stored = { [K in keyof GapRow]-?: Exclude<GapRow[K], undefined> | null } & { reason: GapReason }

/** Numbers of one source within an epoch that were lost. */
export interface NumberedLoss {
  epoch: string
  source: string
  first: number
  last: number
  reason: GapReason
}

/** Readings lost that got no number. */
export interface CountedLoss {
  source: string | null
  reason: GapReason
  count: number
}

/** The end of an epoch of which nobody knows what was lost: explains all holes, of one source or of all. */
export interface OpenLoss {
  epoch: string
  source: string | null
  reason: GapReason
}

export interface GapTable {
  add(agentId: string, report: GapReport): AddedGaps
  page(query: GapQuery): GapRow[]
  numbered(agentId: string): NumberedLoss[]
  counted(agentId: string): CountedLoss[]
  open(agentId: string): OpenLoss[]
  removeAgent(agentId: string): void
}

const isNumbered = 'source IS NOT NULL AND first IS NOT NULL AND last >= first'
const isOpen = `first IS NULL AND (count IS NULL OR reason IN ('crash', 'quarantine'))`

export function gapTable(db: Database): GapTable {
  const insert = db.prepare<Omit<Stored, 'row'> & { agentId: string; ledger: string }>(`
    INSERT OR IGNORE INTO gap (agent, ledger, id, epoch, source, first, last, count, reason, since, until)
    VALUES (@agentId, @ledger, @id, @epoch, @source, @first, @last, @count, @reason, @since, @until)`)
  const selectPage = db.prepare<{ agentId: string; before: number; limit: number }, Stored>(`
    SELECT row, id, epoch, source, first, last, count, reason, since, until
      FROM gap WHERE agent = @agentId AND row < @before ORDER BY row DESC LIMIT @limit`)
  const numbered = db.prepare<[string], NumberedLoss>(`
    SELECT epoch, source, first, last, reason FROM gap WHERE agent = ? AND ${isNumbered}`)
  const counted = db.prepare<[string], CountedLoss>(`
    SELECT source, reason, sum(count) AS count FROM gap
     WHERE agent = ? AND count IS NOT NULL AND NOT (${isNumbered}) AND NOT (${isOpen})
     GROUP BY source, reason`)
  const open = db.prepare<[string], OpenLoss>(
    `SELECT epoch, source, reason FROM gap WHERE agent = ? AND ${isOpen} ORDER BY row`,
  )
  const remove = db.prepare<[string]>('DELETE FROM gap WHERE agent = ?')

  return {
    add(agentId, { ledger, rows }) {
      const added: AddedGaps = {}
      for (const { source = null, first = null, last = null, count = null, ...row } of rows) {
        if (insert.run({ ...row, source, first, last, count, agentId, ledger }).changes === 0) continue
        const readings = count ?? (first !== null && last !== null ? Math.max(0, last - first + 1) : 0)
        added[row.reason] = (added[row.reason] ?? 0) + readings
      }
      return added
    },
    page: ({ agentId, before = Number.MAX_SAFE_INTEGER, limit }) =>
      selectPage.all({ agentId, before, limit }).map(toGapRow),
    numbered: (agentId) => numbered.all(agentId),
    counted: (agentId) => counted.all(agentId),
    open: (agentId) => open.all(agentId),
    removeAgent: (agentId) => void remove.run(agentId),
  }
}

const toGapRow = (stored: Stored): GapRow =>
  Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== null)) as unknown as GapRow
