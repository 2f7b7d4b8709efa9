import type { Database } from '../../core/sqlite.ts'

export interface InitialAccessToken {
  jti: string
  issuedAt: number
  expiresAt: number
}

export function initialAccessTokenTable(db: Database) {
  const columns = `jti, issued_at AS issuedAt, expires_at AS expiresAt, used_at AS usedAt`
  type Row = InitialAccessToken & { usedAt: number | null }
  const replace = db.prepare<InitialAccessToken & { agentId: string }>(`
    INSERT INTO initial_access_token (agent_id, jti, issued_at, expires_at)
    VALUES (@agentId, @jti, @issuedAt, @expiresAt)
    ON CONFLICT (agent_id) DO UPDATE
      SET jti = excluded.jti, issued_at = excluded.issued_at, expires_at = excluded.expires_at, used_at = NULL`)
  const selectOfAgent = db.prepare<[string], Row>(`
    SELECT ${columns} FROM initial_access_token WHERE agent_id = ?`)
  const use = db.prepare<[number, string]>(`UPDATE initial_access_token SET used_at = ? WHERE agent_id = ?`)
  const remove = db.prepare<[string]>(`DELETE FROM initial_access_token WHERE agent_id = ?`)

  return {
    replace: (agentId: string, token: InitialAccessToken): void => void replace.run({ ...token, agentId }),
    ofAgent: (agentId: string): Row | undefined => selectOfAgent.get(agentId),
    use: (agentId: string, now: number): void => void use.run(now, agentId),
    remove: (agentId: string): void => void remove.run(agentId),
  }
}
