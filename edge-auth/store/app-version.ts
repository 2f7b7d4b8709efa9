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
  /** The secret before, while it is good beside the new one. */
  readonly previous: PreviousSecret | null
  readonly createdAt: number
}

export interface PreviousSecret {
  readonly credentialId: string
  /** SHA-256. */
  readonly secretHash: Uint8Array
  /** Session time. */
  readonly endsAt: number
}

interface Row extends Omit<AppVersion, 'keys' | 'previous'> {
  keys: string | null
  oldCredentialId: string | null
  oldSecretHash: Uint8Array | null
  oldEndsAt: number | null
}

export function appVersionTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO app_version (client_id, version, credential_id, secret_hash, keys,
                             old_credential_id, old_secret_hash, old_ends_at, created_at)
    VALUES (@clientId, @version, @credentialId, @secretHash, @keys,
            @oldCredentialId, @oldSecretHash, @oldEndsAt, @createdAt)
    ON CONFLICT (client_id, version) DO UPDATE
       SET credential_id = @credentialId, secret_hash = @secretHash, keys = @keys,
           old_credential_id = @oldCredentialId, old_secret_hash = @oldSecretHash, old_ends_at = @oldEndsAt`)
  const remove = db.prepare<[string, string]>(`DELETE FROM app_version WHERE client_id = ? AND version = ?`)
  const all = db.prepare<[], Row>(`
    SELECT client_id AS clientId, version, credential_id AS credentialId, secret_hash AS secretHash, keys,
           old_credential_id AS oldCredentialId, old_secret_hash AS oldSecretHash, old_ends_at AS oldEndsAt,
           created_at AS createdAt
      FROM app_version ORDER BY client_id, created_at, version`)

  return {
    put({ keys, previous, ...version }: AppVersion): void {
      put.run({
        ...version,
        keys: keys === null ? null : JSON.stringify(keys),
        oldCredentialId: previous?.credentialId ?? null,
        oldSecretHash: previous?.secretHash ?? null,
        oldEndsAt: previous?.endsAt ?? null,
      })
    },
    remove: (clientId: string, version: string): void => void remove.run(clientId, version),
    all: (): AppVersion[] => all.all().map(read),
  }
}

function read({ keys, oldCredentialId, oldSecretHash, oldEndsAt, ...version }: Row): AppVersion {
  const isWhole = oldCredentialId !== null && oldSecretHash !== null && oldEndsAt !== null
  return {
    ...version,
    keys: keys === null ? null : JSON.parse(keys),
    previous: isWhole
      ? { credentialId: oldCredentialId, secretHash: oldSecretHash, endsAt: oldEndsAt }
      : null,
  }
}
