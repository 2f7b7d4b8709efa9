import { join } from 'node:path'
import { readBootId } from '../core/boot.ts'
import type { Clock } from '../core/clock.ts'
import { type Operations, run } from '../core/control.ts'
import type { Gauge } from '../core/gauge.ts'
import type { Logger } from '../core/log.ts'
import type { Network } from '../core/net/index.ts'
import type { Random } from '../core/random.ts'
import type { RetryPolicy } from '../core/retry.ts'
import { aborted, runTasks, watching } from '../core/tasks.ts'
import type { openThread } from '../core/thread.ts'
import type { AuditHead } from '../protocol/agent-report.ts'
import { type Events, openEvents } from './alarms/events.ts'
import { type Ending, watchBox } from './alarms/watch.ts'
import { type AlarmBook, openAlarms } from './alarms.ts'
import { archive } from './archive.ts'
import { openConfiguration } from './configuration/index.ts'
import { IdentityUnreadable } from './errors.ts'
import { createFlash } from './flash.ts'
import { gapOperation } from './gaps.ts'
import { agentGauges } from './gauges.ts'
import { agentFaults } from './health.ts'
import { type Identity, type IdentityConfig, type IdentityDeps, openIdentity } from './identity.ts'
import { watchDropFolder } from './onboarding/drop-folder.ts'
import { createStick } from './onboarding/stick.ts'
import { type OutboxConfig, openOutbox } from './outbox/index.ts'
import { openOutboxView } from './outbox-view.ts'
import { openRemote, type RemoteDeps } from './remote.ts'
import { agentReport } from './report.ts'
import { createSources, type Payload, readInventory } from './sources/index.ts'
import type { Proof } from './time/guard.ts'
import { correctingDates } from './time/http.ts'
import type { Time } from './time/index.ts'
import { unreadableIdentity } from './unreadable-identity.ts'
import { createUplink, type UplinkConfig } from './uplink/index.ts'

export type { Events } from './alarms/events.ts'
export type { Alarm, AlarmBook } from './alarms.ts'
export type { ConfigurationStatus, History, RunningTrial, Version } from './configuration/index.ts'
export { checkLocalSources, readSourceFile } from './configuration/offline.ts'
export { agentChecks } from './diagnosis/index.ts'
export type { FlashStatus } from './flash.ts'
export type { GapPage } from './gaps.ts'
export type { IdentityStatus } from './identity.ts'
export type { Offer } from './onboarding/stick.ts'
export type { OutboxStatus } from './outbox-view.ts'
export { agentDatabases, membershipIn } from './restored.ts'
export type {
  Decoding,
  Inventory,
  ModbusSettings,
  ModbusTable,
  OneRead,
  OpcuaBrowse,
  OpcuaCertificate,
  OpcuaNode,
  ShownSample,
  SourceStatus,
  Watched,
} from './sources/index.ts'
export { decodings, readDevice, sourceSchema, surveyMetrics } from './sources/index.ts'
export { ntpSynchronised, openTime, type TimeStatus } from './time/index.ts'
export type { UplinkStatus } from './uplink/index.ts'

export interface AgentConfig {
  /** The agent owns `identity/`, `configuration/`, `commands/`, `outbox.db` and `archive/` in it. */
  stateDir: string
  /** Towards the hub's REST listener. */
  retry: RetryPolicy
  uplink: UplinkConfig
  /** Boarding files that are put here are taken; none are unless set. */
  boardingDir?: string
  /** Where sticks are mounted whose boarding files are offered; none are unless set. */
  stickDir?: string
  /** Kinds of commands that the hub may have done here; none unless set. */
  remoteCommands?: readonly string[]
  outbox: Omit<OutboxConfig, 'path' | 'boot'>
  sources: { minIntervalMs: number; localDir: string; confirmTimeoutMs: number }
}

export interface AgentDeps {
  /** How far the audit of the box has come: the hub is told. */
  auditHead?: (() => Promise<AuditHead>) | undefined
  /** Certificates of the box, whose ends are watched. */
  certificates?: (() => readonly Ending[]) | undefined
  /** For commands of the hub: what the process can do, and who notes what was done. */
  remote?: RemoteDeps | undefined
  network: Network
  /** Run by the agent. */
  time: Time
  clock: Clock
  random: Random
  log: Logger
  /** Starts the thread of the outbox; core's own unless told. */
  openThread?: typeof openThread | undefined
}

/** Identity in the cloud, and the way of a reading from its source to the hub. */
export interface Agent extends AsyncDisposable {
  /** `identity.*` and `agent.*`. */
  readonly operations: Operations
  readonly alarms: AlarmBook
  readonly events: Events
  /** Readings that wait longer go, with a row in the loss ledger; undefined: as configured. */
  keepReadingsFor(maxAgeMs: number | undefined): void
  /** Whether a data point is bound to the topic. */
  isBound(topic: string): boolean
  /**
   * A message of an app. Undefined when no data point is bound to the topic; otherwise a promise that
   * resolves when its readings are on disk or acknowledged by the hub.
   */
  offer(topic: string, payload: Payload): Promise<void> | undefined
  /** Where the hub is that the box belongs to; undefined until it is onboarded. */
  hub(): { baseUrl: string; ca?: string } | undefined
  /** What of the agent does not serve, in words; asks nobody, so that nothing can hold it up. */
  faults(): string[]
  /** What of it is not open. */
  missing(): string[]
  gauges(): Promise<Gauge[]>
  /** Looks at the local files now. */
  reload(): void
  /** Until aborted; rejects when the outbox can no longer keep readings. */
  run(signal: AbortSignal): Promise<void>
}

export async function openAgent(deps: AgentDeps, config: AgentConfig): Promise<Agent> {
  const { network, time, random, log } = deps
  const { connect } = network
  const clock: Clock = { ...deps.clock, now: time.now }
  const http = correctingDates({ network, time, clock, log })
  const { stateDir, boardingDir, retry } = config
  const certificates = deps.certificates ?? (() => [])
  await using opened = new AsyncDisposableStack()
  const alarms = opened.use(await openAlarms({ clock, log }, { path: join(stateDir, 'alarms.json') }))
  const events = opened.use(await openEvents({ clock, log }, { path: join(stateDir, 'events.json') }))
  const identity = opened.use(
    await openIdentityOrFault(
      {
        ...{ http, time, clock, random, log, alarms, note: events.note },
        archive: (name, former) =>
          archive({ configuration, outbox }, { dir: join(stateDir, 'archive'), name, former }),
      },
      { dir: join(stateDir, 'identity'), retry },
    ),
  )
  const outbox = opened.use(
    await openOutbox(
      { clock, random, log, alarms, openThread: deps.openThread },
      { ...config.outbox, path: join(stateDir, 'outbox.db'), boot: readBootId() },
    ),
  )
  time.onProof(correctionNotes(deps.clock, events))
  time.onProof((proof) => {
    outbox.prove(proof).catch((err) => log.warn({ err }, 'proof of the time not kept'))
  })
  const view = await openOutboxView({ outbox, alarms, clock }, config.outbox)
  const flash = createFlash({ clock }, { path: stateDir, proc: '/proc', sys: '/sys' })
  const sources = createSources(
    {
      ...{ outbox, stamp: time.stamp, network, clock, random, log, alarms },
      places: {
        credentialsDir: '/etc/edgeward/credentials',
        memoryDir: join(stateDir, 'sources'),
        pkiDir: join(stateDir, 'pki'),
      },
    },
    config.sources,
  )
  const configuration = await openConfiguration(
    {
      ...{ http, clock, random, log, identity, sources },
      isLinked: (): boolean => uplink.status().state === 'connected',
      note: events.note,
    },
    { dir: join(stateDir, 'configuration'), retry, ...config.sources },
  )
  const commands = await openRemote(
    { remote: deps.remote, identity, configuration, events, clock, random, log },
    config,
  )
  const shown = () => ({
    flash: flash.status(),
    sources: sources.status(),
    alarms: alarms.standing(),
  })
  const uplink = createUplink(
    {
      ...{ connect, http, identity, outbox, commands, clock, random, log },
      onConfiguration: configuration.announced,
      onTime: time.heard,
      configurationId: () => configuration.status().configurationId,
      report: async () =>
        agentReport({
          ...{ time: clock.now(), outbox: await view.status(), ...shown() },
          ...{ alarms: alarms.all(), events: events.list(), audit: await deps.auditHead?.() },
          configuration: configuration.report(),
        }),
      onReportChange(listener) {
        const forget = [alarms.onChange(listener), configuration.onChange(listener)]
        return () => {
          for (const each of forget) each()
        }
      },
    },
    config.uplink,
  )

  const onboard = (boarding: unknown) => run(identity.operations, 'identity.onboard', { boarding })
  const takeDropped = (dir: string, signal: AbortSignal) =>
    watchDropFolder({ onboard, clock, log: log.child({ part: 'drop folder' }) }, dir, signal)
  const stick = createStick(
    {
      ...{ onboard, clock, log: log.child({ part: 'stick' }) },
      isUnboarded: () => identity.status().state === 'unboarded',
    },
    { dir: config.stickDir },
  )

  const held = opened.move()
  return {
    operations: {
      ...identity.operations,
      ...configuration.operations,
      ...sources.operations,
      'identity.confirm': () => stick.confirm(),
      'agent.status': async () => ({
        identity: { ...identity.status(), offer: stick.offer() },
        uplink: uplink.status(),
        outbox: await view.status(),
        ...shown(),
        configuration: configuration.status(),
        time: time.status(),
      }),
      'agent.gaps': gapOperation(outbox),
      'agent.inventory': () => readInventory(),
    },
    alarms,
    events,
    keepReadingsFor: outbox.keepFor,
    hub: identity.current,
    reload: configuration.reload,
    isBound: sources.isBound,
    offer: sources.offer,
    faults: () =>
      agentFaults({
        ...{ commits: outbox.commits(), sources: sources.status() },
        ...{ certificates: certificates(), now: clock.now() },
      }),
    missing: () => (outbox.shut() === undefined ? [] : [`the outbox is not open: ${outbox.shut()}`]),
    gauges: async () =>
      agentGauges({
        ...{ identity: identity.status(), uplink: uplink.status(), outbox: await view.status() },
        ...{ rotations: identity.rotations(), traffic: uplink.traffic(), commits: outbox.commits() },
        ...{ time: time.status(), certificates: certificates(), ...shown() },
      }),
    async run(signal) {
      await events.began(readBootId())
      const watched = {
        ...{ identity: identity.status, time: time.status, outbox: view.status },
        certificates,
      }
      await runTasks(
        signal,
        (both) => alarms.run(both),
        (both) => watchBox({ alarms, clock }, watched, both),
        (both) => time.run(both),
        (both) => identity.run(both),
        (both) => (boardingDir === undefined ? aborted(both) : takeDropped(boardingDir, both)),
        (both) => stick.run(both),
        (both) => configuration.run(both),
        (both) => sources.run(both),
        (both) => uplink.run(both),
        (both) => commands.run(both),
        (both) => view.run(both),
        (both) => flash.run(both),
        watching(outbox.died),
      )
      events.ended()
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** A damaged identity stops neither collection nor anything else on the box. */
async function openIdentityOrFault(
  deps: IdentityDeps & { alarms: Pick<AlarmBook, 'raise' | 'clear'> },
  config: IdentityConfig,
): Promise<Identity> {
  try {
    const identity = await openIdentity(deps, config)
    deps.alarms.clear(identityUnreadable)
    return identity
  } catch (error) {
    if (!(error instanceof IdentityUnreadable)) throw error
    deps.log.error({ code: error.code, reason: error.message, cure: error.cure }, 'identity not usable')
    deps.alarms.raise(identityUnreadable, error.message)
    return unreadableIdentity(error)
  }
}

const identityUnreadable = 'identity_unreadable'
/** Nobody needs to know of less. */
const noticeableMs = 60_000

/** Notes when the box was found to have another time than its clock says. */
function correctionNotes(clock: Pick<Clock, 'now' | 'monotonic'>, events: Events): (proof: Proof) => void {
  let noted = 0
  return ({ time, monotonic }) => {
    const byMs = Math.round(time - (clock.now() - (clock.monotonic() - monotonic)))
    if (Math.abs(byMs - noted) < noticeableMs) return
    noted = byMs
    const clockIs = byMs > 0 ? 'slow' : 'fast'
    events.note('time_corrected', `the clock of the box is ${Math.abs(Math.round(byMs / 1000))} s ${clockIs}`)
  }
}
