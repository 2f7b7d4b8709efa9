import type { Database } from '../../core/sqlite.ts'

/** What this box has settled once for itself. */
export interface Setting {
  /**
   * `box_id`: `client_id` of introspection replies. `box_epoch`: a new one ends all sessions.
   * `session_time`: how far session time has come, as JSON. `retention_ran`: session time of the last run.
   * `totp_enforced`: whether the sessions without a second factor have been ended.
   * `totp_strategy`: the strategy that the second factors of all users belong to.
   */
  readonly key: 'box_id' | 'box_epoch' | 'session_time' | 'retention_ran' | 'totp_enforced' | 'totp_strategy'
  readonly value: string
}

export function settingTable(db: Database) {
  const put = db.prepare<Setting>(`
    INSERT INTO setting (key, value) VALUES (@key, @value) ON CONFLICT (key) DO UPDATE SET value = @value`)
  const all = db.prepare<[], Setting>(`SELECT key, value FROM setting`)

  return {
    put: (setting: Setting): void => void put.run(setting),
    all: (): Setting[] => all.all(),
  }
}
