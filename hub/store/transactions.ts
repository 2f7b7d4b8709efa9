import type { Database } from '../../core/sqlite.ts'

/** Who holds in memory what is on disk. */
interface Owner {
  forget(): void
}

/** Makes changes that happen as a whole or not at all, in memory as well. */
export function transactions(db: Database, readings: Owner & { save(): void }, others: readonly Owner[]) {
  return <A extends unknown[], R>(change: (...args: A) => R): ((...args: A) => R) => {
    const transaction = db.transaction((...args: A) => {
      const result = change(...args)
      readings.save()
      return result
    })
    return (...args) => {
      try {
        return transaction(...args)
      } catch (error) {
        for (const owner of [readings, ...others]) owner.forget()
        throw error
      }
    }
  }
}
