import type { Database } from '../../core/sqlite.ts'
import type { Proof } from '../time/guard.ts'

export function proofTable(db: Database) {
  const upsert = db.prepare<Proof & { boot: string }>(`
    INSERT INTO proof (boot, monotonic, time, error_ms) VALUES (@boot, @monotonic, @time, @errorMs)
        ON CONFLICT (boot) DO UPDATE
       SET monotonic = @monotonic, time = @time, error_ms = @errorMs`)
  const removeOthers = db.prepare<[string]>(
    'DELETE FROM proof WHERE boot <> ? AND NOT EXISTS (SELECT 1 FROM unproven)',
  )
  const select = db.prepare<[string], Proof>(
    'SELECT monotonic, time, error_ms AS errorMs FROM proof WHERE boot = ?',
  )

  return {
    /** The newest proof of a start; those of other starts go when no batch waits for one. */
    save(boot: string, proof: Proof): void {
      upsert.run({ boot, ...proof })
      removeOthers.run(boot)
    },
    of: (boot: string): Proof | undefined => select.get(boot),
  }
}
