import type { Logger } from '../../core/log.ts'
import type { AuditEntry, AuditType } from '../store/index.ts'

const messages: Record<AuditType, string> = {
  login: 'signed in',
  login_failed: 'sign-in failed',
  lockout: 'locked out',
  logout: 'signed out',
  session_ended: 'session ended',
  token_issued: 'token issued',
  token_revoked: 'token revoked',
  introspection_refused: 'introspection refused',
  client_refused: 'client refused',
  user_agent_changed: 'session used by another user agent',
  user_added: 'user added',
  user_changed: 'user changed',
  user_removed: 'user removed',
  role_changed: 'role changed',
  app_group_changed: 'group of apps changed',
  service_access: 'service access',
  second_factor_changed: 'second factor changed',
  break_glass: 'break glass',
  app_secret_issued: 'app secret issued',
  app_changed: 'app changed',
  app_removed: 'app removed',
  option_changed: 'option changed',
  app_over_quota: 'app over its quota',
  private_token_shown: 'private token shown to an administrator',
  private_tokens_removed: 'private tokens removed by an administrator',
  signing_key_rotated: 'signing key rotated',
  access_denied: 'access denied',
  forwarded_header_ignored: 'forwarded header ignored',
  entries_dropped: 'audit entries dropped',
  sso_login: 'signed in by single sign-on',
  sso_logout: 'signed out by single sign-on',
  sso_logout_failed: 'signing out by single sign-on failed',
  sso_claims: 'claims of a token',
  auth_configuration_added: 'identity provider added',
  auth_configuration_updated: 'identity provider changed',
  auth_configuration_deleted: 'identity provider removed',
  entries_removed: 'old audit entries removed',
  retention_changed: 'retention rule changed',
  alarm_acknowledged: 'alarm acknowledged',
  alarm_mapping_changed: 'alarm mapping changed',
  log_level_changed: 'log level changed',
  remote_command: 'remote command',
  custom: 'entry by an administrator',
}
const alarming: readonly AuditType[] = [
  'login_failed',
  'client_refused',
  'lockout',
  'user_agent_changed',
  'sso_logout_failed',
  'entries_dropped',
  'second_factor_changed',
  'break_glass',
]

/** The log says what the audit keeps; but what identity providers say of people stays there. */
export const audited =
  (log: Logger) =>
  ({ type, detail, deviceTime: _, serverTime: __, ...fields }: AuditEntry): void => {
    const { claims: ___, ...told } = detail ?? {}
    log[alarming.includes(type) ? 'warn' : 'info']({ ...fields, ...told }, messages[type])
  }
