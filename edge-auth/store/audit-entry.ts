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
  | 'role_changed'
  | 'app_group_changed'
  | 'service_access'
  | 'second_factor_changed'
  | 'break_glass'
  | 'app_secret_issued'
  | 'app_changed'
  | 'app_removed'
  | 'option_changed'
  | 'app_over_quota'
  | 'private_token_shown'
  | 'private_tokens_removed'
  | 'signing_key_rotated'
  | 'access_denied'
  | 'forwarded_header_ignored'
  | 'entries_dropped'
  | 'sso_login'
  | 'sso_logout'
  | 'sso_logout_failed'
  | 'sso_claims'
  | 'auth_configuration_added'
  | 'auth_configuration_updated'
  | 'auth_configuration_deleted'
  | 'entries_removed'
  | 'retention_changed'
  | 'alarm_acknowledged'
  | 'alarm_mapping_changed'
  | 'log_level_changed'
  | 'remote_command'
  | 'custom'

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
  /** One of them. */
  readonly types?: readonly string[] | undefined
  /** Device time. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Id: only what is older. */
  readonly before?: number | undefined
  readonly limit: number
}
