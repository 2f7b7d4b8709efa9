import type { Database } from '../../core/sqlite.ts'

/** Numbers arrivals in their order, over all points. */
export type ArrivalTable = ReturnType<typeof arrivalTable>

export function arrivalTable(db: Database) {
  const select = db.prepare<[], { next: number }>('SELECT next FROM arrival')
  const update = db.prepare<[number]>('UPDATE arrival SET next = ?')
  const stored = () => (select.get() as { next: number }).next
  let next = stored()

  return {
    take: (): number => next++,
    /** At the end of each transaction that has taken numbers. */
    save: (): void => void update.run(next),
    /** A transaction has failed. */
    forget(): void {
      next = stored()
    },
  }
}
