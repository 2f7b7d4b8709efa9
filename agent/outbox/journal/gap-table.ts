import type { Database } from '../../../core/sqlite.ts'
import type { Gap } from '../../../protocol/gap.ts'

/** A loss on its way into the ledger. */
export type Loss = Omit<Gap, 'id'>

interface GapRow {
  id: number
  epoch: string
  source: string | null
  first: number | null
  last: number | null
  count: number | null
  reason: Gap['reason']
  since: number
  until: number
}

const columns = 'id, epoch, source, first, last, count, reason, since, until'

export function gapTable(db: Database) {
  const insert = db.prepare<Omit<GapRow, 'id'>>(`
    INSERT INTO gap (epoch, source, first, last, count, reason, since, until)
    VALUES (@epoch, @source, @first, @last, @count, @reason, @since, @until)`)
  // The loss that follows on one not yet given out, or has no numbers like it, joins it.
  const grow = db.prepare<Omit<GapRow, 'id'>>(`
    UPDATE gap SET last = @last, count = count + @count, since = min(since, @since), until = max(until, @until)
     WHERE id = (SELECT id FROM gap
                  WHERE epoch = @epoch AND source IS @source AND reason = @reason AND given = 0
                  ORDER BY id DESC LIMIT 1)
       AND count IS NOT NULL AND last IS @first - 1`)
  const selectWaiting = db.prepare<[number], GapRow & { given: 0 | 1 }>(
    `SELECT ${columns}, given FROM gap WHERE acknowledged = 0 ORDER BY id LIMIT ?`,
  )
  const give = db.prepare<[number]>('UPDATE gap SET given = 1 WHERE id <= ? AND given = 0')
  const acknowledge = db.prepare<[number, number]>(
    'UPDATE gap SET acknowledged = 1 WHERE given = 1 AND acknowledged = 0 AND id BETWEEN ? AND ?',
  )
  const selectBelow = db.prepare<[number, number], GapRow>(
    `SELECT ${columns} FROM gap WHERE id < ? ORDER BY id DESC LIMIT ?`,
  )
  const count = db.prepare<[], { rows: number }>('SELECT count(*) AS rows FROM gap')
  const removeAcknowledged = db.prepare<[number]>(
    'DELETE FROM gap WHERE id IN (SELECT id FROM gap WHERE acknowledged = 1 ORDER BY id LIMIT ?)',
  )
  const removeUpTo = db.prepare<[number]>('DELETE FROM gap WHERE id <= ?')

  return {
    add(loss: Loss): void {
      const row = { source: null, first: null, last: null, count: null, ...loss }
      if (row.count === null || grow.run(row).changes === 0) insert.run(row)
    },
    waiting: (limit: number): (Gap & { isGiven: boolean })[] =>
      selectWaiting.all(limit).map(({ given, ...row }) => ({ ...toGap(row), isGiven: given === 1 })),
    /** From here on these rows grow no more. */
    giveUpTo: (id: number): void => void give.run(id),
    acknowledge: (from: number, to: number): number => acknowledge.run(from, to).changes,
    below: (id: number, limit: number): Gap[] => selectBelow.all(id, limit).map(toGap),
    count: (): number => (count.get() as { rows: number }).rows,
    removeAcknowledged: (limit: number): void => void removeAcknowledged.run(limit),
    removeUpTo: (id: number): void => void removeUpTo.run(id),
  }
}

function toGap({ id, epoch, source, first, last, count, reason, since, until }: GapRow): Gap {
  return {
    id,
    epoch,
    ...(source === null ? {} : { source }),
    ...(first === null || last === null ? {} : { first, last }),
    ...(count === null ? {} : { count }),
    ...{ reason, since, until },
  }
}
