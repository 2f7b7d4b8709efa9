import type { Database } from '../../../core/sqlite.ts'
import type { Proof } from '../../time/guard.ts'

export function proofTable(db: Database) {
  const upsert = db.prepare<Proof & { boot: string }>(`
    INSERT INTO proof (boot, monotonic, time, error_ms) VALUES (@boot, @monotonic, @time, @errorMs)
        ON CONFLICT (boot) DO UPDATE
       SET monotonic = @monotonic, time = @time, error_ms = @errorMs`)
  const removeUnused = db.prepare('DELETE FROM proof WHERE boot NOT IN (SELECT boot FROM epoch)')
  const select = db.prepare<[string], Proof>(
    'SELECT monotonic, time, error_ms AS errorMs FROM proof WHERE boot = ?',
  )

  return {
    /** The newest proof of a start; those of starts of which nothing is kept go. */
    save(boot: string, proof: Proof): void {
      upsert.run({ boot, ...proof })
      removeUnused.run()
    },
    of: (boot: string): Proof | undefined => select.get(boot),
  }
}
