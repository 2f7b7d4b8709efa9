import type { JWK } from 'jose'
import type { Database } from '../../core/sqlite.ts'

/** One version of an app and its one credential: a secret, or public keys. All versions share the client id. */
export interface AppVersion {
  readonly clientId: string
  readonly version: string
  /** A new one with each new secret or set of keys. */
  readonly credentialId: string
  /** SHA-256. */
  readonly secretHash: Uint8Array | null
  readonly keys: readonly JWK[] | null
  readonly createdAt: number
}

type Row = Omit<AppVersion, 'keys'> & { keys: string | null }

export function appVersionTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO app_version (client_id, version, credential_id, secret_hash, keys, created_at)
    VALUES (@clientId, @version, @credentialId, @secretHash, @keys, @createdAt)
    ON CONFLICT (client_id, version) DO UPDATE
       SET credential_id = @credentialId, secret_hash = @secretHash, keys = @keys`)
  const remove = db.prepare<[string, string]>(`DELETE FROM app_version WHERE client_id = ? AND version = ?`)
  const all = db.prepare<[], Row>(`
    SELECT client_id AS clientId, version, credential_id AS credentialId, secret_hash AS secretHash, keys,
           created_at AS createdAt
      FROM app_version ORDER BY client_id, created_at, version`)

  return {
    put: ({ keys, ...version }: AppVersion): void =>
      void put.run({ ...version, keys: keys === null ? null : JSON.stringify(keys) }),
    remove: (clientId: string, version: string): void => void remove.run(clientId, version),
    all: (): AppVersion[] =>
      all.all().map((row) => ({ ...row, keys: row.keys === null ? null : JSON.parse(row.keys) })),
  }
}
