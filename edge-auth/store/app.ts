import type { Database } from '../../core/sqlite.ts'

/** What all versions of an app share. */
export interface App {
  readonly clientId: string
  readonly grants: readonly string[]
  /** Which of the platform's data it may use; the scopes of its tokens follow from it. */
  readonly access: 'read_write' | 'limited' | 'custom'
  /** With `custom`. */
  readonly scopes: readonly string[]
  /** When not, its credentials and tokens are good for nothing, and nobody passes to it. */
  readonly enabled: boolean
  /** For whoever runs the app; edgeward does not look into them. */
  readonly properties: Readonly<Record<string, unknown>>
  /** Topic filters on the broker, beyond the app's own topics. */
  readonly topics: { readonly publish: readonly string[]; readonly subscribe: readonly string[] }
  /** Of what it publishes on the broker in a second; null: no limit. */
  readonly quota: { readonly messages: number | null; readonly bytes: number | null }
  /** The systemd unit that it runs in. */
  readonly unit: string | null
  /** Who made it; null: the command line. */
  readonly owner: string | null
  readonly createdAt: number
  /** Grows with each change. */
  readonly revision: number
}

const json = ['grants', 'scopes', 'properties', 'topics', 'quota'] as const
type Json = (typeof json)[number]
type Row = Omit<App, Json | 'enabled'> & Record<Json, string> & { enabled: 0 | 1 }

export function appTable(db: Database) {
  const put = db.prepare<Row>(`
    INSERT INTO app (client_id, grants, access, scopes, enabled, properties, topics, quota, unit, owner,
                     created_at, revision)
    VALUES (@clientId, @grants, @access, @scopes, @enabled, @properties, @topics, @quota, @unit, @owner,
            @createdAt, @revision)
    ON CONFLICT (client_id) DO UPDATE
       SET grants = @grants, access = @access, scopes = @scopes, enabled = @enabled,
           properties = @properties, topics = @topics, quota = @quota, unit = @unit, owner = @owner,
           revision = @revision`)
  const remove = db.prepare<[string]>(`DELETE FROM app WHERE client_id = ?`)
  const disown = db.prepare<[string]>(`UPDATE app SET owner = NULL WHERE owner = ?`)
  const all = db.prepare<[], Row>(`
    SELECT client_id AS clientId, grants, access, scopes, enabled, properties, topics, quota, unit, owner,
           created_at AS createdAt, revision
      FROM app`)

  return {
    put({ clientId, access, unit, owner, createdAt, revision, enabled, ...rest }: App): void {
      const texts = Object.fromEntries(json.map((name) => [name, JSON.stringify(rest[name])])) as Record<
        Json,
        string
      >
      put.run({ clientId, access, unit, owner, createdAt, revision, ...texts, enabled: enabled ? 1 : 0 })
    },
    /** With all its versions. */
    remove: (clientId: string): void => void remove.run(clientId),
    disown: (user: string): void => void disown.run(user),
    all: (): App[] => all.all().map(read),
  }
}

function read(row: Row): App {
  const parsed = Object.fromEntries(json.map((name) => [name, JSON.parse(row[name])])) as Pick<App, Json>
  return { ...row, ...parsed, enabled: row.enabled === 1 }
}
