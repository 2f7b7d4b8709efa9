import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, deviceName, given, sessionPolicy } from './config.ts'
import { Invalid } from './core/errors.ts'
import type { HubLimits } from './hub/index.ts'
import type { Places } from './service.ts'

/** What each module gets of the configuration, in its own words. */
export const certsConfig = (config: Config, { stateDir }: Places) => ({
  dir: join(stateDir, 'pki'),
  names: config.certs.names,
  deviceName: deviceName(config),
  ...given('serverCert', config.certs.server_cert),
  ...given('serverKey', config.certs.server_key),
  ...given('caKey', config.certs.ca_key),
})

export function agentConfig({ agent, uplink, outbox, sources }: Config, { stateDir }: Places) {
  return {
    stateDir,
    remoteCommands: agent.remote_commands,
    retry: { initialMs: agent.retry_initial, maxMs: agent.retry_max },
    uplink: {
      format: uplink.format,
      trustPuback: uplink.trust_puback,
      window: uplink.window,
      ackTimeoutMs: uplink.ack_timeout,
      minIntervalMs: uplink.min_interval,
      maxIntervalMs: uplink.max_interval,
      maxBytes: uplink.max_bytes,
      retry: { initialMs: uplink.retry_initial, maxMs: uplink.retry_max },
    },
    outbox: outboxConfig(outbox),
    sources: {
      minIntervalMs: sources.min_interval,
      localDir: sources.dir,
      confirmTimeoutMs: sources.confirm_timeout,
    },
    ...given('boardingDir', agent.boarding_dir),
    ...given('stickDir', agent.stick_dir),
  }
}

function outboxConfig(outbox: Config['outbox']) {
  const { max_bytes: maxBytes } = outbox
  return {
    mode: outbox.mode,
    commitIntervalMs: outbox.commit_interval,
    commitBytes: outbox.commit_bytes,
    maxBytes,
    ballastBytes: Math.min(Math.max(Math.floor(maxBytes / 64), smallestBallast), largestBallast),
    whenFull: outbox.when_full,
    ...given('maxAgeMs', outbox.max_age),
  }
}

/** Enough for what it takes to delete on a full disk, and no more. */
const smallestBallast = 1024 * 1024
const largestBallast = 4 * 1024 * 1024

/** Reads the proxy's secret from its file. */
export const authConfig = async (config: Config, places: Places) => ({
  dir: places.stateDir,
  auditMaxBytes: config.auth.audit_max_bytes,
  runtimeDir: places.runtimeDir,
  listen: config.auth.listen,
  introspectPublic: config.auth.introspect_public,
  openIntrospectionRate: config.auth.introspect_rate,
  sessions: sessionPolicy(config.auth),
  technicalLifetimeMs: config.auth.technical_token_lifetime,
  ssoAllowPrivate: config.auth.sso_allow_private,
  localTenant: deviceName(config),
  kv: { quota: config.auth.kv_quota, maxValueBytes: config.auth.kv_max_value },
  lockedOptions: config.auth.locked_options,
  throttle: {
    attempts: config.auth.login_attempts,
    windowMs: config.auth.login_window,
    blockMs: config.auth.login_block,
    ...given('longestBlockMs', config.auth.login_block_max),
  },
  passwords: {
    minLength: config.auth.password_min_length,
    strong: config.auth.password_strong,
    validityMs: config.auth.password_validity,
  },
  ...given('introspectListen', config.auth.introspect_listen),
  guardDefault: config.auth.guard_default,
  certificate: {
    cert: join(places.stateDir, 'pki', 'server.crt'),
    key: join(places.stateDir, 'pki', 'server.key'),
  },
  admin: { idleMs: config.admin.session_idle, lifetimeMs: config.admin.session_lifetime },
  ...given('proxyGroup', config.auth.proxy_group),
  ...given('proxySecret', await proxySecret(config.auth)),
})

/** Reads certificate and key from their files. */
export const hubConfig = async ({ hub: settings }: Config, { stateDir }: Places) => ({
  dir: stateDir,
  http: settings.http,
  mqtt: settings.mqtt,
  iatLifetimeMs: settings.iat_lifetime,
  credentialLifetimeMs: settings.credential_lifetime,
  tokenLifetimeMs: settings.token_lifetime,
  ratPolicy: settings.rat_policy,
  limits: hubLimits(settings),
  ...given('publicUrl', settings.public_url),
  ...given('publicMqtt', settings.public_mqtt),
  ...given('tls', await hubTls(settings)),
})

export const hubLimits = (settings: Config['hub']): HubLimits => ({
  uploadBytes: settings.max_upload_bytes,
  fileBytes: settings.max_file_bytes,
  agentsPerTenant: settings.max_agents,
  diagnosticActivationsPerTenant: settings.max_diagnostic_activations,
  eventMappingsPerAgent: settings.max_event_mappings,
  eventMappingsPerEventType: settings.max_event_mappings_per_type,
  listAgents: settings.list_agents_rate,
  deleteAgents: settings.delete_agents_rate,
  exchange: settings.exchange_rate,
  technicalTokens: {
    lifetimeMs: settings.technical_token_lifetime,
    secretOverlapMs: settings.app_secret_overlap,
    perRequest: settings.max_technical_tokens,
    tenantsPerPage: settings.max_user_tenants,
    rate: settings.technical_token_rate,
  },
})

async function hubTls({ tls_cert, tls_key, tls_ca }: Config['hub']) {
  if (tls_cert === undefined && tls_key === undefined) return undefined
  const cert = await readSetting(tls_cert, 'hub.tls_cert')
  const key = await readSetting(tls_key, 'hub.tls_key')
  return { cert, key, ...(tls_ca === undefined ? {} : { ca: await readSetting(tls_ca, 'hub.tls_ca') }) }
}

const proxySecret = async ({ proxy_secret_file: path }: Config['auth']): Promise<string | undefined> =>
  path === undefined ? undefined : readSetting(path, 'auth.proxy_secret_file')

async function readSetting(path: string | undefined, setting: string): Promise<string> {
  if (path === undefined)
    throw new Invalid(`${setting} is missing`, { cure: 'TLS needs hub.tls_cert and hub.tls_key.' })
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Invalid(`${setting}: ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
