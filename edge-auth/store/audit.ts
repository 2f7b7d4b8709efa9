import type { Database } from '../../core/sqlite.ts'

export type AuditType =
  | 'login'
  | 'login_failed'
  | 'lockout'
  | 'logout'
  | 'session_ended'
  | 'token_issued'
  | 'token_revoked'
  | 'introspection_refused'
  | 'client_refused'
  | 'user_agent_changed'
  | 'user_added'
  | 'user_changed'
  | 'user_removed'
  | 'app_secret_issued'
  | 'app_changed'
  | 'app_removed'
  | 'signing_key_rotated'
  | 'access_denied'
  | 'forwarded_header_ignored'
  | 'entries_dropped'

/** One security event: what happened, to whom, by whom, when. Never a secret. */
export interface AuditEntry {
  readonly type: AuditType
  readonly user?: string | undefined
  readonly clientId?: string | undefined
  /** Id of a session. */
  readonly session?: string | undefined
  readonly address?: string | undefined
  readonly userAgent?: string | undefined
  readonly requestId?: string | undefined
  /** The administrator who did it; `machine`: by the command line. */
  readonly actor?: string | undefined
  readonly reason?: string | undefined
  /** Small: what else is worth knowing. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined
  /** By the box's clock. */
  readonly deviceTime: number
  /** As the hub or NTP has proven it; absent while nobody has. */
  readonly serverTime?: number | undefined
}

export type StoredAuditEntry = AuditEntry & { readonly id: number }

/** Newest first. */
export interface AuditQuery {
  readonly user?: string | undefined
  readonly type?: string | undefined
  /** Device time. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Id: only what is older. */
  readonly before?: number | undefined
  readonly limit: number
}

/** Flash is small, and strangers can cause entries: the oldest go. */
const maxEntries = 200_000

type Row = { [K in Exclude<keyof AuditEntry, 'detail'>]-?: AuditEntry[K] | null } & { detail: string | null }

export function auditTable(db: Database) {
  const insert = db.prepare<Row>(`
    INSERT INTO audit (type, user, client_id, session, address, user_agent, request_id, actor, reason, detail,
                       device_time, server_time)
    VALUES (@type, @user, @clientId, @session, @address, @userAgent, @requestId, @actor, @reason, @detail,
            @deviceTime, @serverTime)`)
  const trim = db.prepare<[number]>(`DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?`)
  const select = db.prepare<
    [{ [K in keyof Required<AuditQuery>]: NonNullable<AuditQuery[K]> | null }],
    Row & { id: number }
  >(`
    SELECT id, type, user, client_id AS clientId, session, address, user_agent AS userAgent,
           request_id AS requestId, actor, reason, detail, device_time AS deviceTime, server_time AS serverTime
      FROM audit
     WHERE (@user IS NULL OR user = @user) AND (@type IS NULL OR type = @type)
       AND (@since IS NULL OR device_time >= @since) AND (@until IS NULL OR device_time < @until)
       AND (@before IS NULL OR id < @before)
     ORDER BY id DESC LIMIT @limit`)

  return {
    add(entries: readonly AuditEntry[]): void {
      for (const entry of entries) insert.run(toRow(entry))
      if (entries.length > 0) trim.run(maxEntries)
    },
    list: ({ user, type, since, until, before, limit }: AuditQuery): StoredAuditEntry[] =>
      select
        .all({
          ...{ user: user ?? null, type: type ?? null, since: since ?? null },
          ...{ until: until ?? null, before: before ?? null, limit },
        })
        .map(toEntry),
  }
}

function toRow({ detail, ...entry }: AuditEntry): Row {
  const { user, clientId, session, address, userAgent, requestId, actor, reason, serverTime } = entry
  return {
    ...{ type: entry.type, deviceTime: entry.deviceTime, serverTime: serverTime ?? null },
    ...{ user: user ?? null, clientId: clientId ?? null, session: session ?? null },
    ...{
      address: address ?? null,
      userAgent: userAgent ?? null,
      requestId: requestId ?? null,
      actor: actor ?? null,
    },
    ...{ reason: reason ?? null, detail: detail === undefined ? null : JSON.stringify(detail) },
  }
}

/** What is not known is left out. */
function toEntry({ detail, ...row }: Row & { id: number }): StoredAuditEntry {
  const known = Object.entries(row).filter(([, value]) => value !== null)
  const entry = Object.fromEntries(known) as unknown as StoredAuditEntry
  return detail === null ? entry : { ...entry, detail: JSON.parse(detail) }
}
