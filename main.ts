import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Agent, ntpSynchronised, openAgent, openTime } from './agent/index.ts'
import { clearSnapshots, settleSwap } from './backup/index.ts'
import { mayPublish, openBroker } from './broker/index.ts'
import { openCerts } from './certs/index.ts'
import { type Config, deviceName, given, networkConfig, sessionPolicy } from './config.ts'
import { createConsole } from './console/index.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { controlSocket, type Operations, run } from './core/control.ts'
import { serveControl } from './core/control-server.ts'
import { diskProbe } from './core/disk-probe.ts'
import { createDiskSpace } from './core/disk-space.ts'
import { EdgeError, Invalid } from './core/errors.ts'
import { fallenBack, fallenBackFile } from './core/fallen-back.ts'
import { ensurePrivateDir } from './core/files.ts'
import { lifeFaults } from './core/life-faults.ts'
import type { Logger } from './core/log.ts'
import { createLogLevel, toLog } from './core/log-level.ts'
import { type LogRing, recentOperation } from './core/log-ring.ts'
import { openNetwork } from './core/net/index.ts'
import { warnOfUnpatchedNode } from './core/node-version.ts'
import { createProofOfLife, type ProofOfLife } from './core/proof-of-life.ts'
import { type Random, systemRandom } from './core/random.ts'
import { release, releasedAt } from './core/release.ts'
import { lockState, StateInUse } from './core/sqlite.ts'
import { isService } from './core/supervision.ts'
import { runTasks, watching } from './core/tasks.ts'
import { createVitals } from './core/vitals.ts'
import { type Aged, type EdgeAuth, openEdgeAuth } from './edge-auth/index.ts'
import { type HubLimits, openHub } from './hub/index.ts'
import type { AuditHead } from './protocol/agent-report.ts'
import { sourceOf, typeOf } from './protocol/alarm.ts'
import { gatewayState, hubState, snapshotOperation } from './stores.ts'

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
  /** Whether it is alive in all its parts, while it serves; a hub that is away is none of them. */
  readonly life: ProofOfLife
  /** How it stands, in a few words. */
  summary(): Promise<string>
}

export interface ServiceDeps {
  log: Logger
  /** Keeps what the log says, for who asks the running process. */
  recent?: LogRing
  /** What "edgeward doctor --json" finds. */
  doctor?: (signal: AbortSignal) => Promise<unknown>
  clock?: Clock
  random?: Random
}

/** In order, so that whoever started the process starts it anew. */
class EndedToRestart extends EdgeError {
  override readonly name = 'EndedToRestart'
  readonly code = 'ended_to_restart'
  override readonly exitCode = 6

  constructor() {
    super('ended to be started again, as the hub has asked')
  }
}

/** Opens the gateway's stores, as their one owner. Throws `StateInUse`. */
export async function openGateway(config: Config, places: Places, deps: ServiceDeps): Promise<Service> {
  await using held = new AsyncDisposableStack()
  const { clock, random, log, modules, module } = common(deps)
  const restart = new AbortController()
  await claim(places, { clock, log }, held)
  const logLevel = held.use(
    createLogLevel({ log, modules, clock, told: (change) => auth.noteLogLevel(change) }),
  )
  const time = await openTime(
    {
      ...{ clock, log: module('agent') },
      synchronised: config.agent.trust_ntp ? ntpSynchronised : async () => false,
    },
    { path: join(places.stateDir, 'time.json'), releasedAt },
  )
  const vitals = held.use(createVitals({ clock }))
  const disk = createDiskSpace(
    { clock },
    { dir: places.stateDir, stores: ['outbox', 'auth', 'kv'], prefix: 'edgeward' },
  )
  const network = openNetwork({ trustedNow: time.correctedNow }, networkConfig(config))

  const certs = await openCerts(
    {
      ...{ clock: { ...clock, now: time.now }, random, log: module('certs') },
      isTimeTrusted: () => time.status().state === 'trusted',
      environment: process.env,
    },
    certsConfig(config, places),
  )
  const agent = held.use(
    await openAgent(
      {
        ...{ network, time, clock, random, log: module('agent') },
        auditHead: (): Promise<AuditHead> => auth.auditHead(),
        certificates: () => certs.endings,
        remote: {
          ...(config.agent.supervised || isService(process) ? { restart: () => restart.abort() } : {}),
          recentLog: () => deps.recent?.after(0).lines ?? [],
          doctor: deps.doctor,
          settings: config,
          audit: (command) => auth.noteRemoteCommand(command),
        },
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
        box: { ...agent.operations, ...logLevel.operations },
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

  const life = gatewayLife({ clock, log, auth, operations }, places)
  const all = held.move()
  return {
    operations,
    life,
    summary: async () => gatewaySummary((await run(operations, 'agent.status', {})) as GatewayStatus),
    reload() {
      agent.reload()
      certs.reload()
    },
    async serve(signal, ready) {
      let isListening = false
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
      certs.onChange((tls) => {
        broker.useCertificate(tls)
        agent.events.note('certificate_changed', 'the box shows another TLS certificate')
      })
      certs.onFault((fault) =>
        fault === undefined
          ? agent.alarms.clear('certificate_failed')
          : agent.alarms.raise('certificate_failed', fault),
      )
      auth.onAppChange(broker.disconnect)
      auth.watchApps(broker.seen)
      const admin = serving.use(
        createConsole(
          {
            health() {
              const faults = [...vitals.faults(), ...lifeFaults(life), ...agent.faults()]
              return { ok: faults.length === 0, faults }
            },
            missing: () => [...(isListening ? [] : ['the listeners']), ...agent.missing()],
            gauges: async () => [
              ...[vitals, disk, auth, broker].flatMap((part) => part.gauges()),
              ...(await agent.gauges()),
            ],
            administration: auth.administration,
            log: module('console'),
          },
          { listen: config.admin.listen },
        ),
      )
      const addresses = { ...(await auth.listen()), ...(await admin.listen()), ...broker.addresses }
      const describe = async () => ({ pid: process.pid, release, addresses })
      const running = {
        ...operations,
        ...logOperations(deps, logLevel.operations),
        'gateway.describe': describe,
        'state.snapshot': snapshotOperation(
          { clock, random, copyOwned: { 'auth.db': auth.copyStore } },
          gatewayState({ log, random }),
          places.stateDir,
        ),
      }
      serving.use(await serveControl(controlSocket(places), running, module('control')))
      isListening = !signal.aborted
      signal.addEventListener(
        'abort',
        () => {
          isListening = false
        },
        { once: true },
      )
      await tellOfFallingBack(agent, places)
      ready(addresses)
      log.info(addresses, 'gateway serves')
      warnOfUnpatchedNode(log, process.versions.node)
      auth.died.catch(({ message }: Error) => {
        if (!signal.aborted) agent.alarms.raise('auth_store_failed', message)
      })
      const either = AbortSignal.any([signal, restart.signal])
      await runTasks(either, agent.run, vitals.run, disk.run, certs.run, life.run, watching(auth.died))
      if (!signal.aborted) throw new EndedToRestart()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const certsConfig = (config: Config, { stateDir }: Places) => ({
  dir: join(stateDir, 'pki'),
  names: config.certs.names,
  deviceName: deviceName(config),
  ...given('serverCert', config.certs.server_cert),
  ...given('serverKey', config.certs.server_key),
  ...given('caKey', config.certs.ca_key),
})

/** Once a start is enough: a release is given up before one. */
async function tellOfFallingBack({ alarms }: Agent, { stateDir }: Places): Promise<void> {
  const said = await fallenBack(fallenBackFile(stateDir))
  if (said === undefined) alarms.clear('release_fallen_back')
  else alarms.raise('release_fallen_back', said)
}

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

interface GatewayLifeDeps {
  clock: Clock
  log: Logger
  auth: Pick<EdgeAuth, 'auditHead'>
  operations: Operations
}

/** Each thread answers a question that costs it nothing, and the disk takes what is written. */
const gatewayLife = ({ clock, log, auth, operations }: GatewayLifeDeps, { stateDir }: Places): ProofOfLife =>
  createProofOfLife(
    { clock, log },
    {
      probes: [
        { name: 'the store of users and audit', ask: auth.auditHead },
        { name: 'the store of private tokens', ask: () => run(operations, 'kv.quota', {}) },
        { name: 'the outbox', ask: () => run(operations, 'agent.gaps', { limit: 1 }) },
        diskProbe({ dir: stateDir, commits: ['auth.db-wal', 'kv.db-wal', 'outbox.db-wal'] }),
      ],
    },
  )

interface GatewayStatus {
  identity: { state: string }
  uplink: { state: string }
  alarms: readonly unknown[]
}

const gatewaySummary = ({ identity, uplink, alarms }: GatewayStatus): string =>
  `serves; identity ${identity.state}; uplink ${uplink.state}; alarms ${alarms.length}`

/** Opens the hub's stores, as their one owner. Throws `StateInUse`. */
export async function openHubService(config: Config, places: Places, deps: ServiceDeps): Promise<Service> {
  await using held = new AsyncDisposableStack()
  const { clock, random, log, modules, module } = common(deps)
  await claim(places, { clock, log }, held)
  const logLevel = held.use(createLogLevel({ log, modules, clock, told: toLog(log) }))
  const { hub: settings } = config
  const vitals = held.use(createVitals({ clock }))
  const disk = createDiskSpace(
    { clock },
    { dir: places.stateDir, stores: ['readings', 'registry', 'uploads'], prefix: 'edgeward_hub' },
  )
  const box = {
    gauges: () => [...vitals.gauges(), ...disk.gauges()],
    faults: () => [...vitals.faults(), ...lifeFaults(life)],
  }
  const hub = held.use(
    await openHub(
      { clock, random, log: module('hub'), box },
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
  const life = createProofOfLife(
    { clock, log },
    { probes: [...hub.probes, diskProbe({ dir: places.stateDir, commits: ['readings.db-wal'] })] },
  )
  const all = held.move()
  return {
    operations: hub.operations,
    life,
    summary: async () => 'serves',
    async serve(signal, ready) {
      const addresses = await hub.listen()
      const running = {
        ...hub.operations,
        ...logOperations(deps, logLevel.operations),
        'state.snapshot': snapshotOperation({ clock, random }, hubState, places.stateDir),
      }
      await using _control = await serveControl(controlSocket(places), running, module('control'))
      ready(addresses)
      log.info(addresses, 'hub serves')
      await runTasks(signal, life.run, vitals.run, disk.run, watching(hub.died))
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
  const modules = new Map<string, Logger>()
  const module = (name: string): Logger => {
    const known = modules.get(name) ?? log.child({ module: name })
    modules.set(name, known)
    return known
  }
  return { clock, random, log, modules, module }
}

/** Of the running process alone: nobody sets a level for one command. */
const logOperations = ({ recent }: ServiceDeps, levels: Operations): Operations => ({
  ...levels,
  ...(recent ? recentOperation(recent, process.pid) : {}),
})

/** A command holds the lock for a moment only, so a starting daemon waits that long. */
const lockPatienceMs = 5_000

async function claim(
  places: Places,
  { clock, log }: { clock: Clock; log: Logger },
  held: AsyncDisposableStack,
): Promise<void> {
  await ensurePrivateDir(places.stateDir)
  await mkdir(places.runtimeDir, { recursive: true, mode: 0o755 })
  await takeLock(places, clock, held)
  const replaced = await settleSwap(places.stateDir)
  if (replaced !== undefined) log.warn({ replaced }, 'restore finished that was cut short')
  await clearSnapshots(places.stateDir, clock.now())
}

async function takeLock(places: Places, clock: Clock, held: AsyncDisposableStack): Promise<void> {
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
