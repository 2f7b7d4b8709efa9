import type { Database } from '../../core/sqlite.ts'

/** An app of a tenant, its host. */
export interface AppName {
  host: string
  app: string
}

/** What gets technical tokens: each version has its own client id, secrets and permissions. */
export interface AppVersion extends AppName {
  clientId: string
  version: string
  permissions: string[]
  createdAt: number
}

export interface AppSecret {
  id: string
  /** SHA-256 of the secret. */
  secretHash: Uint8Array
}

type Row = Omit<AppVersion, 'permissions'> & { permissions: string }

export function appTable(db: Database) {
  const insertApp = db.prepare<AppName & { createdAt: number }>(`
    INSERT INTO app (host, name, created_at) VALUES (@host, @app, @createdAt) ON CONFLICT DO NOTHING`)
  const insert = db.prepare<Row>(`
    INSERT INTO app_version (client_id, host, app, version, permissions, created_at)
    VALUES (@clientId, @host, @app, @version, @permissions, @createdAt) ON CONFLICT DO NOTHING`)
  const columns = `client_id AS clientId, host, app, version, permissions, created_at AS createdAt`
  const select = db.prepare<[string], Row>(`SELECT ${columns} FROM app_version WHERE client_id = ?`)
  const selectAll = db.prepare<[], Row>(
    `SELECT ${columns} FROM app_version ORDER BY host, app, created_at, version`,
  )
  const update = db.prepare<[string, string]>(`UPDATE app_version SET permissions = ? WHERE client_id = ?`)
  const remove = db.prepare<[string]>(`DELETE FROM app_version WHERE client_id = ?`)
  const removeEmpty = db.prepare<[]>(`
    DELETE FROM app WHERE NOT EXISTS (
      SELECT 1 FROM app_version AS v WHERE v.host = app.host AND v.app = app.name)`)
  const toVersion = (row: Row): AppVersion => ({
    ...row,
    permissions: JSON.parse(row.permissions) as string[],
  })

  return {
    /** False when there is that version. */
    add(version: AppVersion): boolean {
      insertApp.run({ host: version.host, app: version.app, createdAt: version.createdAt })
      return insert.run({ ...version, permissions: JSON.stringify(version.permissions) }).changes === 1
    },
    find(clientId: string): AppVersion | undefined {
      const row = select.get(clientId)
      return row && toVersion(row)
    },
    all: (): AppVersion[] => selectAll.all().map(toVersion),
    setPermissions: (clientId: string, permissions: readonly string[]): void =>
      void update.run(JSON.stringify(permissions), clientId),
    /** With its secrets; with the last version goes the app and what tenants have agreed to. */
    remove(clientId: string): void {
      remove.run(clientId)
      removeEmpty.run()
    },
  }
}

export function appSecretTable(db: Database) {
  const insert = db.prepare<AppSecret & { clientId: string; now: number }>(`
    INSERT INTO app_secret (id, client_id, secret_hash, created_at)
    VALUES (@id, @clientId, @secretHash, @now)`)
  const end = db.prepare<{ clientId: string; endsAt: number }>(`
    UPDATE app_secret SET ends_at = @endsAt
     WHERE client_id = @clientId AND (ends_at IS NULL OR ends_at > @endsAt)`)
  const removeEnded = db.prepare<[string, number]>(
    `DELETE FROM app_secret WHERE client_id = ? AND ends_at <= ?`,
  )
  const select = db.prepare<[string, number], AppSecret>(`
    SELECT id, secret_hash AS secretHash FROM app_secret
     WHERE client_id = ? AND (ends_at IS NULL OR ends_at > ?) ORDER BY created_at DESC, rowid DESC`)

  return {
    /** Those there are end at `othersEndAt`, unless they end before. */
    add(clientId: string, secret: AppSecret, othersEndAt: number, now: number): void {
      end.run({ clientId, endsAt: othersEndAt })
      removeEnded.run(clientId, now)
      insert.run({ ...secret, clientId, now })
    },
    /** Newest first. */
    inForce: (clientId: string, now: number): AppSecret[] => select.all(clientId, now),
  }
}
