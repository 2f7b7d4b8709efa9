import type { Database } from '../../core/sqlite.ts'

/** What a version of an app is at the hub: how the box gets tokens for the hub's tenants for it. */
export interface HubLink {
  readonly clientId: string
  readonly version: string
  readonly hubClientId: string
  /** As it is: the hub must be shown it. */
  readonly hubSecret: string
}

export function hubLinkTable(db: Database) {
  const put = db.prepare<HubLink>(`
    INSERT INTO hub_link (client_id, version, hub_client_id, hub_secret)
    VALUES (@clientId, @version, @hubClientId, @hubSecret)
    ON CONFLICT (client_id, version) DO UPDATE
       SET hub_client_id = @hubClientId, hub_secret = @hubSecret`)
  const remove = db.prepare<[string, string]>(`DELETE FROM hub_link WHERE client_id = ? AND version = ?`)
  const all = db.prepare<[], HubLink>(`
    SELECT client_id AS clientId, version, hub_client_id AS hubClientId, hub_secret AS hubSecret
      FROM hub_link`)

  return {
    put: (link: HubLink): void => void put.run(link),
    remove: (clientId: string, version: string): void => void remove.run(clientId, version),
    all: (): HubLink[] => all.all(),
  }
}
