import type { Database } from '../../core/sqlite.ts'

export interface ServiceCredential {
  clientId: string
  tenant: string
  /** SHA-256 of the secret. */
  secretHash: Uint8Array
}

export function serviceCredentialTable(db: Database) {
  const insert = db.prepare<ServiceCredential & { now: number }>(`
    INSERT INTO service_credential (client_id, tenant, secret_hash, created_at)
    VALUES (@clientId, @tenant, @secretHash, @now)`)
  const select = db.prepare<[string], ServiceCredential>(`
    SELECT client_id AS clientId, tenant, secret_hash AS secretHash
      FROM service_credential WHERE client_id = ?`)
  const selectIds = db.prepare<[string], { clientId: string }>(`
    SELECT client_id AS clientId FROM service_credential WHERE tenant = ? ORDER BY created_at, client_id`)
  const remove = db.prepare<[string]>(`DELETE FROM service_credential WHERE client_id = ?`)

  return {
    add: (credential: ServiceCredential, now: number): void => void insert.run({ ...credential, now }),
    find: (clientId: string): ServiceCredential | undefined => select.get(clientId),
    idsOf: (tenant: string): string[] => selectIds.all(tenant).map(({ clientId }) => clientId),
    remove: (clientId: string): boolean => remove.run(clientId).changes === 1,
  }
}
