import type { Static, TSchema } from 'typebox'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Network } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import type { DataPointType } from '../../protocol/data-source-configuration.ts'
import type { Stamp } from '../../protocol/reading.ts'
import type { Memory } from './memory.ts'
import type { Message } from './message.ts'
import type { PointKeys } from './pipeline/schema.ts'
import type { Turn } from './schedule.ts'
import type { Typed } from './typed.ts'

/** A reading on its way to the outbox: with the reason, should it not be Good. */
export interface Sample extends Typed, Stamp {
  /** Id of the data point. */
  point: string
}

/** Acquires the samples of one data source. */
export interface Source {
  /**
   * Acquires until aborted, then ends or rejects. What it rejects with before that makes the source
   * dead; it is run again after a back-off. A value that cannot be had is a Bad sample, not a rejection.
   */
  run(signal: AbortSignal): Promise<void>
  /** Whether a data point is bound to the topic, of the broker or of POST /api/v1/readings. */
  isBound?(topic: string): boolean
  /** Takes a message of an app; undefined when no data point is bound to the topic. */
  offer?(topic: string, message: Message): Promise<void> | undefined
}

export interface SourceContext {
  clock: Clock
  random: Random
  /** Says of each line which source it is about. */
  log: Logger
  /** Every outgoing connection but a serial one goes through it. */
  network: Network
  /** How the source stands with its device, where the readings alone do not show it. */
  report(state: DeviceState): void
  /** A scheduled acquisition began; `polling` says so by itself. */
  turned(turn: Turn): void
  /** The range that the device says a point has (OPC UA EURange); a deadband in percent may rest on it. */
  euRange(point: string, range: readonly [low: number, high: number]): void
  /** What several sources have in common, such as a bus: opened once, closed when the last has let go. */
  share<T extends AsyncDisposable>(key: string, open: () => T): Shared<T>
  /** The text of a file below /etc/edgeward/credentials. Throws `DeviceError`. */
  credential(name: string): Promise<string>
  /** What the source has to know again after a restart. */
  readonly memory: Memory
  /** Certificates of this box, and those that it trusts; each protocol has a folder of its own in it. */
  readonly pkiDir: string
  /** When a sample taken now was taken. Where the source itself says when, its word stands instead. */
  stamp(): Stamp
  /**
   * For a source whose producer repeats what is refused: resolves when the samples are kept, which is
   * when the producer may be told so; rejects when they are not.
   */
  storeOrRefuse(samples: readonly Sample[]): Promise<void>
  /**
   * For a source that nobody repeats: what could not be kept is lost, and the loss ledger says how much.
   * Resolves in either case; a source that may not be slowed down by the disk need not wait.
   */
  storeOrLose(samples: readonly Sample[]): Promise<void>
}

export type DeviceState =
  | { at: 'connecting' }
  /** `note` says in words what works otherwise than it was asked for. */
  | { at: 'connected'; note?: string }
  /** `reason` is snake_case and API, `message` says cause and cure to a technician. */
  | { at: 'failing'; reason: string; message: string }

export interface Shared<T> extends AsyncDisposable {
  readonly value: T
}

/** One way to acquire. A new protocol is a folder with one of these and a line in protocols.ts. */
export interface Protocol<S extends TSchema = TSchema, P extends TSchema = TSchema> {
  /** customData of the source, without `protocol`, and of its points; both refuse unknown keys. */
  readonly customData: { readonly source: S; readonly point: P }
  /** A deadband in percent needs no range in the configuration: `euRange` says it at run time. */
  readonly suppliesRange?: boolean
  /** It touches the box itself, such as its files: the hub may not ask for it. */
  readonly localOnly?: boolean
  /** How a source can be tried before it counts; "none" unless told. */
  readonly trial?: TrialWay | ((custom: Static<S>) => TrialWay)
  /** Says what the schemas cannot; called only when they are satisfied. */
  check?(source: Configured<S, P>, refuse: Refuse, limits: Limits): void
  create(source: Configured<S, P>, context: SourceContext): Source
}

/**
 * beside: its device takes another reader while the source before reads it; instead: it does not, so the
 * one before pauses; none: reading takes away, such as messages that come once, or has to wait for others.
 */
export type TrialWay = 'beside' | 'instead' | 'none'

export interface Configured<S extends TSchema = TSchema, P extends TSchema = TSchema> {
  custom: Static<S>
  points: ConfiguredPoint<P>[]
}

export interface ConfiguredPoint<P extends TSchema = TSchema> {
  id: string
  /** DOUBLE for a number that the pipeline scales. */
  type: DataPointType
  custom: Static<P>
  /** What the pipeline does with the samples. A protocol whose device filters may hand a deadband on. */
  pipeline?: PointKeys
  /** Aggregates are made of it, of every sample. */
  isAggregated?: boolean
}

/** Reports a fault. `point` is the index of the point at fault, undefined for the source; `key` is in customData. */
export type Refuse = (point: number | undefined, key: string, message: string) => void

export interface Limits {
  minIntervalMs: number
}

/** Ties `create` and `check` to the schemas beside them. */
export const protocol = <S extends TSchema, P extends TSchema>(definition: Protocol<S, P>): Protocol =>
  definition as unknown as Protocol
