import type { Database } from '../../core/sqlite.ts'
import type { Tally } from './batch-table.ts'

export interface Ledger extends Tally {
  epoch: string
  /** Sequence number of the next batch. */
  next: number
}

export function ledgerTable(db: Database) {
  const insert = db.prepare<[string]>(
    'INSERT OR IGNORE INTO ledger (id, epoch, next, batches, readings) VALUES (1, ?, 1, 0, 0)',
  )
  const select = db.prepare<[], Ledger>('SELECT epoch, next, batches, readings FROM ledger')
  const update = db.prepare<Ledger>(
    'UPDATE ledger SET epoch = @epoch, next = @next, batches = @batches, readings = @readings',
  )

  return {
    /** The ledger; a new file begins with this epoch. */
    begin(epoch: string): Ledger {
      insert.run(epoch)
      return select.get() as Ledger
    },
    save: (ledger: Ledger): void => void update.run(ledger),
  }
}
