import type { Database } from '../../core/sqlite.ts'

/** One version of an app; each has its own secret, all share the client id. */
export interface AppVersion {
  readonly clientId: string
  readonly version: string
  /** SHA-256. */
  readonly secretHash: Uint8Array
  readonly createdAt: number
}

export function appTable(db: Database) {
  const insert = db.prepare<{ clientId: string; createdAt: number }>(`
    INSERT INTO app (client_id, created_at) VALUES (@clientId, @createdAt) ON CONFLICT DO NOTHING`)
  const remove = db.prepare<[string]>(`DELETE FROM app WHERE client_id = ?`)

  return {
    ensure: ({ clientId, createdAt }: AppVersion): void => void insert.run({ clientId, createdAt }),
    /** With all its versions. */
    remove: (clientId: string): void => void remove.run(clientId),
  }
}
