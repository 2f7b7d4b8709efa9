import type { AuditEntry, AuditType } from '../store/index.ts'

/** What an entry is about, in few words; API. */
export const auditCategories = [
  'User login',
  'Single sign-on',
  'User',
  'Global role',
  'Inventory role',
  'Option',
  'Tenant auth configuration',
  'Application',
  'Session',
  'Token',
  'Access',
  'Audit',
  'Retention',
  'Alarm',
  'Custom',
] as const
export type AuditCategory = (typeof auditCategories)[number]

const made = { created: 'created', added: 'created', changed: 'updated', updated: 'updated' }
const gone = { removed: 'deleted', deleted: 'deleted' }
const changes: Readonly<Record<string, string>> = { ...made, ...gone }
const ofUser: Readonly<Record<string, string>> = {
  roles_changed: 'Roles updated',
  password_changed: 'Password updated',
  renamed: 'Username updated',
  unlocked: 'User unlocked',
}

interface Known {
  readonly category: AuditCategory
  readonly action: string | ((reason: string) => string)
}

const known = (category: AuditCategory, action: Known['action']): Known => ({ category, action })
const changed = (category: AuditCategory, what: string): Known =>
  known(category, (reason) => `${what} ${changes[reason] ?? 'updated'}`)

const catalogue: Record<AuditType, Known> = {
  login: known('User login', 'User login'),
  logout: known('User login', 'User logout'),
  login_failed: known('User login', 'Login failed'),
  lockout: known('User login', 'Locked out'),
  session_ended: known('Session', 'Session ended'),
  user_agent_changed: known('Session', 'Used by another user agent'),
  sso_login: known('Single sign-on', 'SSO login'),
  sso_logout: known('Single sign-on', 'SSO logout'),
  sso_logout_failed: known('Single sign-on', 'SSO logout failed'),
  sso_claims: known('Single sign-on', 'Json web token claims'),
  user_added: known('User', 'User created'),
  user_removed: known('User', 'User deleted'),
  user_changed: known('User', (reason) => ofUser[reason] ?? 'User updated'),
  second_factor_changed: known('User', 'Second factor updated'),
  break_glass: known('User login', (reason) => `Break glass ${reason}`),
  service_access: known('User', (reason) => `Service access ${reason}`),
  role_changed: known('Global role', (reason) =>
    reason === 'changed' ? 'Authorities updated' : `Role ${changes[reason] ?? 'updated'}`,
  ),
  app_group_changed: changed('Inventory role', 'Group of apps'),
  option_changed: changed('Option', 'Option'),
  auth_configuration_added: known('Tenant auth configuration', 'Configuration added'),
  auth_configuration_updated: known('Tenant auth configuration', 'Configuration updated'),
  auth_configuration_deleted: known('Tenant auth configuration', 'Configuration deleted'),
  app_secret_issued: known('Application', 'Client secret issued'),
  app_changed: known('Application', (reason) => (reason === 'enabled' ? 'Activated' : 'Updated')),
  app_removed: known('Application', 'Deleted'),
  app_over_quota: known('Application', 'Over its quota'),
  private_token_shown: known('Application', 'Private token shown'),
  private_tokens_removed: known('Application', 'Private tokens removed'),
  token_issued: known('Token', 'Token issued'),
  token_revoked: known('Token', 'Token revoked'),
  signing_key_rotated: known('Token', 'Signing key rotated'),
  introspection_refused: known('Access', 'Introspection refused'),
  client_refused: known('Access', 'Client refused'),
  access_denied: known('Access', 'Access denied'),
  forwarded_header_ignored: known('Access', 'Forwarded header ignored'),
  entries_dropped: known('Audit', 'Entries dropped'),
  entries_removed: known('Audit', 'Old entries removed'),
  retention_changed: changed('Retention', 'Retention rule'),
  alarm_acknowledged: known('Alarm', 'Acknowledged'),
  alarm_mapping_changed: changed('Alarm', 'Alarm mapping'),
  log_level_changed: known('Option', 'Log level updated'),
  remote_command: known('Access', (reason) => `Remote command ${reason}`),
  custom: known('Custom', 'Entry'),
}

/** How an entry is shown. */
export function describeEntry({ type, reason = '' }: AuditEntry): { category: string; action: string } {
  const { category, action } = catalogue[type]
  return { category, action: typeof action === 'string' ? action : action(reason) }
}

export const typesOf = (wanted: string): AuditType[] =>
  (Object.entries(catalogue) as [AuditType, Known][])
    .filter(([, { category }]) => category === wanted)
    .map(([type]) => type)
