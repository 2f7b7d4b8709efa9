import { join } from 'node:path'
import { type Agent, ntpSynchronised, openAgent, openTime } from './agent/index.ts'
import { type Broker, mayPublish, openBroker } from './broker/index.ts'
import { type Certs, openCerts } from './certs/index.ts'
import { claim } from './claim.ts'
import { type Config, given, networkConfig } from './config.ts'
import { agentConfig, authConfig, certsConfig } from './config-slices.ts'
import { createConsole } from './console/index.ts'
import { controlSocket, type Operations } from './core/control.ts'
import { serveControl } from './core/control-server.ts'
import { createDiskSpace, type DiskSpace } from './core/disk-space.ts'
import { lifeFaults } from './core/life-faults.ts'
import { createLogLevel } from './core/log-level.ts'
import { openNetwork } from './core/net/index.ts'
import { warnOfUnpatchedNode } from './core/node-version.ts'
import type { ProofOfLife } from './core/proof-of-life.ts'
import { release, releasedAt } from './core/release.ts'
import { isService } from './core/supervision.ts'
import { runTasks, watching } from './core/tasks.ts'
import type { openThread } from './core/thread.ts'
import { createVitals, type Vitals } from './core/vitals.ts'
import { type Aged, type EdgeAuth, openEdgeAuth } from './edge-auth/index.ts'
import { gatewayLife, gatewaySummary, tellOfFallingBack } from './gateway-life.ts'
import type { AuditHead } from './protocol/agent-report.ts'
import { sourceOf, typeOf } from './protocol/alarm.ts'
import {
  type Common,
  common,
  EndedToRestart,
  logOperations,
  type Places,
  type Service,
  type ServiceDeps,
} from './service.ts'
import { gatewayState, snapshotOperation } from './stores.ts'

/** Introduces the modules of a gateway to each other: main.ts. */
export async function composeGateway(
  config: Config,
  places: Places,
  deps: ServiceDeps & { openThread: typeof openThread },
): Promise<Service> {
  await using held = new AsyncDisposableStack()
  const shared = common(deps)
  const { clock, random, log, modules, module } = shared
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
        ...{ network, time, clock, random, log: module('agent'), openThread: deps.openThread },
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
        openThread: deps.openThread,
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
      await authConfig(config, places),
    ),
  )
  const operations = { ...agent.operations, ...auth.operations, ...certs.operations }

  const life = gatewayLife({ clock, log, auth, operations }, places)
  const parts: Parts = {
    ...{ ...shared, agent, auth, certs, operations, logLevel, vitals, disk, life },
    restart: restart.signal,
  }
  const all = held.move()
  return {
    operations,
    life,
    summary: () => gatewaySummary(operations),
    reload() {
      agent.reload()
      certs.reload()
    },
    serve: (signal, ready) => serveGateway(parts, { config, places, deps }, signal, ready),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** A gateway with all its stores open. */
interface Parts extends Common {
  agent: Agent
  auth: EdgeAuth
  certs: Certs
  operations: Operations
  logLevel: { operations: Operations }
  vitals: Vitals
  disk: DiskSpace
  life: ProofOfLife
  /** Aborts when the hub has asked for another start. */
  restart: AbortSignal
}

interface Asked {
  config: Config
  places: Places
  deps: ServiceDeps
}

async function serveGateway(
  parts: Parts,
  asked: Asked,
  signal: AbortSignal,
  ready: (addresses: object) => void,
): Promise<void> {
  const { agent, auth, certs, vitals, disk, life, log, module } = parts
  const either = AbortSignal.any([signal, parts.restart])
  let isListening = false
  await using serving = new AsyncDisposableStack()
  const broker = serving.use(await openBrokerOf(parts, asked.config))
  const admin = serving.use(
    createConsole(
      {
        health() {
          const faults = [...vitals.faults(), ...lifeFaults(life), ...agent.faults()]
          return { ok: faults.length === 0, faults }
        },
        missing: () => [...(isListening && !either.aborted ? [] : ['the listeners']), ...agent.missing()],
        gauges: async () => [
          ...[vitals, disk, auth, broker].flatMap((part) => part.gauges()),
          ...(await agent.gauges()),
        ],
        administration: auth.administration,
        log: module('console'),
      },
      { listen: asked.config.admin.listen },
    ),
  )
  const addresses = { ...(await auth.listen()), ...(await admin.listen()), ...broker.addresses }
  const operations = runningOperations(parts, asked, addresses)
  serving.use(await serveControl(controlSocket(asked.places), operations, module('control')))
  isListening = true
  await tellOfFallingBack(agent, asked.places)
  ready(addresses)
  log.info(addresses, 'gateway serves')
  warnOfUnpatchedNode(log, process.versions.node)
  auth.died.catch(({ message }: Error) => {
    if (!signal.aborted) agent.alarms.raise('auth_store_failed', message)
  })
  await runTasks(either, agent.run, vitals.run, disk.run, certs.run, life.run, watching(auth.died))
  if (!signal.aborted) throw new EndedToRestart()
}

/** The broker, which knows apps, data points and certificates through these alone. */
async function openBrokerOf(parts: Parts, { broker: settings }: Config): Promise<Broker> {
  const { agent, auth, certs, clock, random, module } = parts
  const broker = await openBroker(
    {
      ...{ authenticate: auth.authenticateApp, offer: agent.offer, isMeasurement: agent.isBound },
      ...{ rightsOf: auth.appRights, overQuota: auth.noteOverQuota },
      ...{ clock, random, log: module('broker') },
    },
    { listen: settings.listen, tls: certs.server, ...given('tlsListen', settings.tls_listen) },
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
  return broker
}

/** What the control socket serves: besides the operations, what only a running process can tell. */
const runningOperations = (
  { operations, auth, logLevel, clock, random, log }: Parts,
  { places, deps }: Asked,
  addresses: object,
): Operations => ({
  ...operations,
  ...logOperations(deps, logLevel.operations),
  'gateway.describe': async () => ({ pid: process.pid, release, addresses }),
  'state.snapshot': snapshotOperation(
    { clock, random, copyOwned: { 'auth.db': auth.copyStore } },
    gatewayState({ log, random }),
    places.stateDir,
  ),
})

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
