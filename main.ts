import { X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Agent, ntpSynchronised, openAgent, openTime } from './agent/index.ts'
import { mayPublish, openBroker } from './broker/index.ts'
import { type Certs, openCerts } from './certs/index.ts'
import { type Config, deviceName, given, networkConfig, sessionPolicy } from './config.ts'
import { createConsole } from './console/index.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { controlSocket, type Operations, run } from './core/control.ts'
import { serveControl } from './core/control-server.ts'
import { Invalid } from './core/errors.ts'
import { ensurePrivateDir } from './core/files.ts'
import type { Logger } from './core/log.ts'
import { openNetwork } from './core/net/index.ts'
import { warnOfUnpatchedNode } from './core/node-version.ts'
import { type Random, systemRandom } from './core/random.ts'
import { releasedAt } from './core/release.ts'
import { lockState, StateInUse } from './core/sqlite.ts'
import { runTasks, watching } from './core/tasks.ts'
import { type Aged, openEdgeAuth } from './edge-auth/index.ts'
import { type HubLimits, openHub } from './hub/index.ts'
import type { AuditHead } from './protocol/agent-report.ts'
import { sourceOf, typeOf } from './protocol/alarm.ts'

/** Where a process keeps what it knows, and what lives only while it runs. */
export interface Places {
  stateDir: string
  runtimeDir: string
}

/** What `edgeward run` and `edgeward hub` serve, and what a command opens while they are stopped. */
export interface Service extends AsyncDisposable {
  readonly operations: Operations
  /** Serves until aborted; calls `ready` with the addresses once everything listens. */
  serve(signal: AbortSignal, ready: (addresses: object) => void): Promise<void>
  /** SIGHUP: what may have changed beside it is read again. */
  reload?(): void
}

export interface ServiceDeps {
  log: Logger
  clock?: Clock
  random?: Random
}

/** Opens the gateway's stores, as their one owner. Throws `StateInUse`. */
export async function openGateway(config: Config, places: Places, deps: ServiceDeps): Promise<Service> {
  await using held = new AsyncDisposableStack()
  const { clock, random, log, module } = common(deps)
  await claim(places, clock, held)
  const time = await openTime(
    {
      ...{ clock, log: module('agent') },
      synchronised: config.agent.trust_ntp ? ntpSynchronised : async () => false,
    },
    { path: join(places.stateDir, 'time.json'), releasedAt },
  )
  const network = openNetwork({ trustedNow: time.correctedNow }, networkConfig(config))

  const certs = await openCerts(
    { clock, random, log: module('certs') },
    { dir: join(places.stateDir, 'pki'), names: config.certs.names, deviceName: deviceName(config) },
  )
  const agent = held.use(
    await openAgent(
      {
        ...{ network, time, clock, random, log: module('agent') },
        auditHead: (): Promise<AuditHead> => auth.auditHead(),
        certificates: () => endsOf(certs),
      },
      agentConfig(config, places),
    ),
  )
  const auth = held.use(
    await openEdgeAuth(
      {
        ...{ clock, random, log: module('edge-auth'), correctedNow: time.correctedNow },
        outgoing: network.http,
        measurements: {
          mayPublish: (app, topic): boolean => mayPublish(app, topic, auth.appRights(app)?.publish),
          isBound: agent.isBound,
          take: (topic, document) => agent.offer(topic, { document }),
        },
        hub: { http: network.http, address: agent.hub },
        alarms: { ...agent.alarms, events: agent.events.list },
        kept: keptBy(agent),
        box: agent.operations,
      },
      {
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
      },
    ),
  )
  const operations = { ...agent.operations, ...auth.operations, ...certs.operations }

  const all = held.move()
  return {
    operations,
    reload: agent.reload,
    async serve(signal, ready) {
      await using serving = new AsyncDisposableStack()
      const broker = serving.use(
        await openBroker(
          {
            ...{ authenticate: auth.authenticateApp, offer: agent.offer, isMeasurement: agent.isBound },
            ...{ rightsOf: auth.appRights, overQuota: auth.noteOverQuota },
            ...{ clock, random, log: module('broker') },
          },
          {
            listen: config.broker.listen,
            tls: certs.server,
            ...given('tlsListen', config.broker.tls_listen),
          },
        ),
      )
      auth.onAppChange(broker.disconnect)
      auth.watchApps(broker.seen)
      const admin = serving.use(
        createConsole(
          {
            health: () => health(operations, agent.faults),
            gauges: agent.gauges,
            administration: auth.administration,
            log: module('console'),
          },
          { listen: config.admin.listen },
        ),
      )
      const addresses = { ...(await auth.listen()), ...(await admin.listen()), ...broker.addresses }
      const describe = async () => ({ pid: process.pid, addresses })
      const running = { ...operations, 'gateway.describe': describe }
      serving.use(await serveControl(controlSocket(places), running, module('control')))
      ready(addresses)
      log.info(addresses, 'gateway serves')
      warnOfUnpatchedNode(log, process.versions.node)
      auth.died.catch(({ message }: Error) => {
        if (!signal.aborted) agent.alarms.raise('auth_store_failed', message)
      })
      await runTasks(signal, agent.run, watching(auth.died))
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const endsOf = (certs: Certs) =>
  [['device CA', certs.ca] as const, ['box', certs.server.cert] as const].map(([name, pem]) => ({
    name,
    notAfter: Date.parse(new X509Certificate(pem).validTo),
  }))

/** What the agent keeps, for the retention. */
const keptBy = ({ alarms, events, keepReadingsFor }: Agent) => ({
  removeEvents: (isOld: (thing: Aged) => boolean): number =>
    events.forget(({ type, source, time }) => isOld({ type, sources: [source], fragments: [], at: time })),
  removeAlarms: (isOld: (thing: Aged) => boolean): number =>
    alarms.forget((alarm) =>
      isOld({ type: typeOf(alarm), sources: [sourceOf(alarm)], fragments: [], at: alarm.lastAt }),
    ),
  keepReadingsFor,
})

/** Opens the hub's stores, as their one owner. Throws `StateInUse`. */
export async function openHubService(config: Config, places: Places, deps: ServiceDeps): Promise<Service> {
  await using held = new AsyncDisposableStack()
  const { clock, random, log, module } = common(deps)
  await claim(places, clock, held)
  const { hub: settings } = config
  const hub = held.use(
    await openHub(
      { clock, random, log: module('hub') },
      {
        dir: places.stateDir,
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
      },
    ),
  )
  const all = held.move()
  return {
    operations: hub.operations,
    async serve(signal, ready) {
      const addresses = await hub.listen()
      await using _control = await serveControl(controlSocket(places), hub.operations, module('control'))
      ready(addresses)
      log.info(addresses, 'hub serves')
      await runTasks(signal, watching(hub.died))
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

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

function common({ log, clock = systemClock, random = systemRandom }: ServiceDeps) {
  return { clock, random, log, module: (name: string) => log.child({ module: name }) }
}

/** A command holds the lock for a moment only, so a starting daemon waits that long. */
const lockPatienceMs = 5_000

async function claim(places: Places, clock: Clock, held: AsyncDisposableStack): Promise<void> {
  await ensurePrivateDir(places.stateDir)
  await mkdir(places.runtimeDir, { recursive: true, mode: 0o755 })
  const deadline = clock.monotonic() + lockPatienceMs
  for (;;) {
    try {
      held.use(lockState(places.stateDir))
      return
    } catch (error) {
      if (!(error instanceof StateInUse) || clock.monotonic() > deadline) throw error
      await clock.sleep(100)
    }
  }
}

function agentConfig({ agent, uplink, outbox, sources }: Config, { stateDir }: Places) {
  return {
    stateDir,
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

/** A store that does not answer is a fault; one that has a slow disk is not. */
async function health(operations: Operations, agentFaults: () => string[]) {
  const faults = agentFaults()
  await run(operations, 'user.list', {}).catch((error: Error) => faults.push(`user.list: ${error.message}`))
  return { ok: faults.length === 0, faults }
}
