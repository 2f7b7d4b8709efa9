import type { Database } from '../../core/sqlite.ts'
import type { PublicJwk } from '../../protocol/registration.ts'

/** What an agent proves itself with: exactly one of the two. */
export type AgentKey = { secret: string; jwk?: undefined } | { jwk: PublicJwk; secret?: undefined }

/** A secret or key, and the registration access token (RAT) handed out with it. */
export type Credential = AgentKey & {
  /** Of two credentials of an agent the greater is the newer. */
  id: number
  ratJti: string
  issuedAt: number
  expiresAt: number
  /** `jti` of the initial or registration access token that obtained it. */
  presentedJti: string
  idempotencyKey: string | null
  ratUsedAt: number | null
  keyUsedAt: number | null
}

export type NewCredential = AgentKey &
  Pick<Credential, 'ratJti' | 'issuedAt' | 'expiresAt' | 'presentedJti' | 'idempotencyKey'>

/** Of answers that may never have arrived, so many are kept, the newest ones. */
const unprovenKept = 4

export function credentialTable(db: Database) {
  type Row = Omit<Credential, 'secret' | 'jwk'> & { secret: string | null; jwk: string | null }
  const columns = `
    id, rat_jti AS ratJti, secret, jwk, issued_at AS issuedAt, expires_at AS expiresAt,
    presented_jti AS presentedJti, idempotency_key AS idempotencyKey,
    rat_used_at AS ratUsedAt, key_used_at AS keyUsedAt`
  const insert = db.prepare<object>(`
    INSERT INTO credential
      (agent_id, rat_jti, secret, jwk, issued_at, expires_at, presented_jti, idempotency_key)
    VALUES (@agentId, @ratJti, @secret, @jwk, @issuedAt, @expiresAt, @presentedJti, @idempotencyKey)`)
  const supersede = db.prepare<[number, string]>(`
    UPDATE credential SET superseded_at = ? WHERE agent_id = ? AND superseded_at IS NULL`)
  const selectNewest = db.prepare<[string], Row>(`
    SELECT ${columns} FROM credential WHERE agent_id = ? ORDER BY id DESC LIMIT 1`)
  const selectByRat = db.prepare<[string, string], Row>(`
    SELECT ${columns} FROM credential AS this
     WHERE agent_id = ? AND rat_jti = ? AND NOT EXISTS (
       SELECT 1 FROM credential AS newer
        WHERE newer.agent_id = this.agent_id AND newer.id > this.id AND newer.rat_used_at IS NOT NULL)`)
  const selectInForce = db.prepare<{ agentId: string; now: number; graceMs: number }, Row>(`
    SELECT ${columns} FROM credential AS this
     WHERE agent_id = @agentId AND expires_at > @now
       AND (superseded_at IS NULL OR superseded_at + @graceMs > @now)
       AND NOT EXISTS (
         SELECT 1 FROM credential AS newer
          WHERE newer.agent_id = this.agent_id AND newer.id > this.id AND newer.key_used_at IS NOT NULL)
     ORDER BY id DESC`)
  const useRat = db.prepare<[number, number]>(`
    UPDATE credential SET rat_used_at = ? WHERE id = ? AND rat_used_at IS NULL`)
  const useKey = db.prepare<[number, number]>(`
    UPDATE credential SET key_used_at = ? WHERE id = ? AND key_used_at IS NULL`)
  const removeRetired = db.prepare<{ agentId: string }>(`
    DELETE FROM credential
     WHERE agent_id = @agentId
       AND id < (SELECT max(id) FROM credential WHERE agent_id = @agentId AND rat_used_at IS NOT NULL)
       AND id < (SELECT max(id) FROM credential WHERE agent_id = @agentId AND key_used_at IS NOT NULL)`)
  const removeUnproven = db.prepare<{ agentId: string; kept: number }>(`
    DELETE FROM credential
     WHERE agent_id = @agentId AND rat_used_at IS NULL AND key_used_at IS NULL
       AND id NOT IN (SELECT id FROM credential WHERE agent_id = @agentId ORDER BY id DESC LIMIT @kept)`)
  const removeAll = db.prepare<[string]>(`DELETE FROM credential WHERE agent_id = ?`)

  const newest = (agentId: string) => toCredential(selectNewest.get(agentId))

  return {
    /** Makes the newest credential of an agent and returns it. */
    add(agentId: string, credential: NewCredential): Credential {
      supersede.run(credential.issuedAt, agentId)
      insert.run({
        ...credential,
        agentId,
        secret: credential.secret ?? null,
        jwk: credential.jwk ? JSON.stringify(credential.jwk) : null,
      })
      removeRetired.run({ agentId })
      removeUnproven.run({ agentId, kept: unprovenKept })
      return newest(agentId) as Credential
    },
    newest,
    /** A RAT stays good until a newer one has been used, because only that proves that one arrived. */
    byRat: (agentId: string, ratJti: string): Credential | undefined =>
      toCredential(selectByRat.get(agentId, ratJti)),
    /**
     * Newest first. An older secret or key stays good for `graceMs`, until a newer one has been used:
     * the answer that carried the newer one may have been lost.
     */
    inForce: (agentId: string, now: number, graceMs: number): Credential[] =>
      selectInForce.all({ agentId, now, graceMs }).flatMap((row) => toCredential(row) ?? []),
    useRat: (id: number, now: number): void => void useRat.run(now, id),
    useKey: (id: number, now: number): void => void useKey.run(now, id),
    removeAll: (agentId: string): void => void removeAll.run(agentId),
  }

  function toCredential(row: Row | undefined): Credential | undefined {
    if (!row) return undefined
    const { secret, jwk, ...rest } = row
    return jwk === null
      ? { ...rest, secret: secret as string }
      : { ...rest, jwk: JSON.parse(jwk) as PublicJwk }
  }
}
