import type { Database } from '../../core/sqlite.ts'

/** What all versions of an app share. */
export interface App {
  readonly clientId: string
  readonly grants: readonly string[]
  readonly createdAt: number
}

type Row = Omit<App, 'grants'> & { grants: string }

export function appTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO app (client_id, grants, created_at) VALUES (@clientId, @grants, @createdAt)
    ON CONFLICT (client_id) DO UPDATE SET grants = @grants`)
  const remove = db.prepare<[string]>(`DELETE FROM app WHERE client_id = ?`)
  const all = db.prepare<[], Row>(`SELECT client_id AS clientId, grants, created_at AS createdAt FROM app`)

  return {
    put: (app: App): void => void put.run({ ...app, grants: JSON.stringify(app.grants) }),
    /** With all its versions. */
    remove: (clientId: string): void => void remove.run(clientId),
    all: (): App[] => all.all().map((row) => ({ ...row, grants: JSON.parse(row.grants) })),
  }
}
