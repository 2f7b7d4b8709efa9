import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Http, Network } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import type { Commands } from '../commands/index.ts'
import type { ToldTime } from '../hub-time.ts'
import type { Identity } from '../identity.ts'
import type { Outbox } from '../outbox/index.ts'
import type { FarSide, Protocol, Verdicts } from './far-side.ts'

/** One connection to a far side, or exchanges with one, until something ends it. */
export interface Session extends AsyncDisposable {
  readonly farSide: FarSide
  readonly protocol: Protocol
  /** What goes on besides delivery. Resolves when another session is due at once; rejects when this one failed. */
  run(signal: AbortSignal): Promise<void>
}

export interface SessionDeps {
  connect: Network['connect']
  http: Http
  identity: Pick<Identity, 'onboarded' | 'onChange' | 'accessToken' | 'forget'>
  outbox: Pick<
    Outbox,
    'pending' | 'acknowledge' | 'reject' | 'pendingGaps' | 'acknowledgeGaps' | 'onPending' | 'stats'
  >
  clock: Clock
  random: Random
  log: Logger
  /** The configuration with this eTag is to be fetched; undefined: a newer one, if there is any. */
  onConfiguration(eTag: string | undefined): void
  /** What the hub asks of the box; none are taken unless given. */
  commands?: Pick<Commands, 'receive' | 'tell'> | undefined
  /** Of the data source configuration in force. */
  configurationId(): string | undefined
  /** The hub told its time. */
  onTime(told: ToldTime): void
  /** The state of the box, for the hub. */
  report(): Promise<AgentReport>
  /** For who is to be told when the report has changed; returns how to stop. */
  onReportChange?: ((listener: () => void) => () => void) | undefined
}

/** How a session tells what it hears. */
export interface SessionEvents {
  verdicts: Verdicts
  /** Readings that the format of the far side has no way to say. */
  onLeftOut(count: number): void
}
