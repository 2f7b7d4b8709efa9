import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { ConfigurationAnnouncement } from '../../protocol/ack.ts'
import type { CommandMessage } from '../../protocol/commands.ts'
import type { ReadingStore } from '../store/index.ts'
import type { AgentPrincipal } from '../tokens/index.ts'
import { admit } from './admission.ts'
import { createBroker } from './broker.ts'
import { createFlow } from './flow.ts'
import { type ListenerConfig, openListener } from './listener.ts'
import { reception } from './reception.ts'
import { createSessions, type Session } from './sessions.ts'
import { createTally, type Tally } from './tally.ts'

/** Takes the agents' batches in over MQTT: PUBACK and acknowledgement follow the commit. */
export interface Ingest extends AsyncDisposable {
  /** `mqtt://host:port` or `mqtts://host:port`, as it was bound. */
  readonly address: string
  /** Tells the agent, if it is connected; one that is not asks when it connects. */
  announceConfiguration(tenant: string, agentId: string, eTag: string): void
  /** The agent may no longer be connected: it was offboarded or removed. */
  /** To the agent, if it is connected. */
  sendCommand(tenant: string, agentId: string, message: CommandMessage): void
  disconnect(tenant: string, agentId: string): void
  isOnline(agentId: string): boolean
  /** Epoch milliseconds of its last connection or batch since this start. */
  lastSeenAt(agentId: string): number | undefined
  state(): IngestState
}

export interface IngestState extends Readonly<Tally> {
  /** Connected agents. */
  online: number
  /** Messages that wait for their commits. */
  waiting: { messages: number; bytes: number }
}

export interface IngestDeps {
  store: ReadingStore
  /** Undefined when the token is not in force. */
  verify(accessToken: string): Promise<AgentPrincipal | undefined>
  /** Stores Insights Hub time series. Throws `Invalid` for anything else. */
  takeTimeSeries(agentId: string, payload: Buffer): Promise<void>
  /** Stores what became of a command. Throws `Invalid` for anything else. */
  takeCommandUpdate(agentId: string, payload: Buffer): Promise<void>
  /** An agent listens from now on. */
  listens(tenant: string, agentId: string): void
  clock: Clock
  random: Random
  log: Logger
}

/** What may wait for its commit: of one connection, and of all. */
const maxWaitingBytes = 1024 * 1024
const maxTotalWaitingBytes = 64 * 1024 * 1024

/** Throws `AddressInUse`. */
export async function openIngest(deps: IngestDeps, config: ListenerConfig): Promise<Ingest> {
  const { verify, clock, random } = deps
  const log = deps.log.child({ part: 'ingest' })
  const sessions = createSessions({ clock, log })
  const flow = createFlow({ maxBytes: maxWaitingBytes, maxTotalBytes: maxTotalWaitingBytes })
  const tally = createTally()
  await using opened = new AsyncDisposableStack()
  const broker = await createBroker({
    sessions,
    async admit(credentials) {
      const admitted = await admit(credentials, verify, clock)
      tally[admitted ? 'admitted' : 'refused']++
      return admitted
    },
    receive: reception({ ...deps, flow, tally, log }),
    listens: ({ principal }) => deps.listens(principal.tenant, principal.agentId),
    random,
    log,
  })
  opened.adopt(broker, () => new Promise<void>((resolve) => broker.close(resolve)))
  const { address } = opened.use(await openListener({ handle: broker.handle, log }, config))
  const held = opened.move()

  const sessionOf = (tenant: string, agentId: string): Session | undefined => {
    const session = sessions.ofAgent(agentId)
    return session?.principal.tenant === tenant ? session : undefined
  }
  return {
    address,
    announceConfiguration(tenant, agentId, eTag) {
      const announcement: ConfigurationAnnouncement = { id: agentId, eTag }
      const session = sessionOf(tenant, agentId)
      session?.send(session.topics.configuration, announcement)
    },
    sendCommand(tenant, agentId, message) {
      const session = sessionOf(tenant, agentId)
      session?.send(session.topics.command, message)
    },
    disconnect: (tenant, agentId) => sessionOf(tenant, agentId)?.close(),
    isOnline: (agentId) => sessions.ofAgent(agentId) !== undefined,
    lastSeenAt: sessions.lastSeenAt,
    state: () => ({ ...tally, online: sessions.count(), waiting: flow.waiting() }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
