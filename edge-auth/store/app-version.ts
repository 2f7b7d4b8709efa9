import type { Database } from '../../core/sqlite.ts'
import type { AppVersion } from './app.ts'

export function appVersionTable(db: Database) {
  const put = db.prepare<AppVersion>(`
    INSERT INTO app_version (client_id, version, secret_hash, created_at)
    VALUES (@clientId, @version, @secretHash, @createdAt)
    ON CONFLICT (client_id, version) DO UPDATE SET secret_hash = @secretHash`)
  const remove = db.prepare<[string, string]>(`DELETE FROM app_version WHERE client_id = ? AND version = ?`)
  const all = db.prepare<[], AppVersion>(`
    SELECT client_id AS clientId, version, secret_hash AS secretHash, created_at AS createdAt
      FROM app_version ORDER BY client_id, created_at, version`)

  return {
    put: (version: AppVersion): void => void put.run(version),
    remove: (clientId: string, version: string): void => void remove.run(clientId, version),
    all: (): AppVersion[] => all.all(),
  }
}
