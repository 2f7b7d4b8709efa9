import type { Database } from '../../../core/sqlite.ts'
import type { Count } from './frame-table.ts'

export interface Tally extends Count {
  ledger: string
  /** Frames from this position on are not counted in it. */
  next: number
  counted: string
}

export function tallyTable(db: Database) {
  const insert = db.prepare<[string]>(
    'INSERT OR IGNORE INTO tally (id, ledger, next, batches, readings) VALUES (1, ?, 0, 0, 0)',
  )
  const select = db.prepare<[], Tally>('SELECT ledger, next, batches, readings, counted FROM tally')
  const update = db.prepare<Count & { next: number }>(
    'UPDATE tally SET next = @next, batches = @batches, readings = @readings',
  )
  const count = db.prepare<[string]>('UPDATE tally SET counted = ?')

  return {
    /** A new file begins with this ledger. */
    begin(ledger: string): Tally & { isNew: boolean } {
      const isNew = insert.run(ledger).changes > 0
      return { ...(select.get() as Tally), isNew }
    },
    save: (tally: Count & { next: number }): void => void update.run(tally),
    saveCounted: (id: string): void => void count.run(id),
  }
}
