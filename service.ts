import { type Clock, systemClock } from './core/clock.ts'
import type { Operations } from './core/control.ts'
import { EdgeError } from './core/errors.ts'
import type { Logger } from './core/log.ts'
import { type LogRing, recentOperation } from './core/log-ring.ts'
import type { ProofOfLife } from './core/proof-of-life.ts'
import { type Random, systemRandom } from './core/random.ts'

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
export class EndedToRestart extends EdgeError {
  override readonly name = 'EndedToRestart'
  readonly code = 'ended_to_restart'
  override readonly exitCode = 6

  constructor() {
    super('ended to be started again, as the hub has asked')
  }
}

/** What every module is handed: of the log, a child by its name. */
export interface Common {
  clock: Clock
  random: Random
  log: Logger
  modules: ReadonlyMap<string, Logger>
  module(name: string): Logger
}

export function common({ log, clock = systemClock, random = systemRandom }: ServiceDeps): Common {
  const modules = new Map<string, Logger>()
  const module = (name: string): Logger => {
    const known = modules.get(name) ?? log.child({ module: name })
    modules.set(name, known)
    return known
  }
  return { clock, random, log, modules, module }
}

/** Of the running process alone: nobody sets a level for one command. */
export const logOperations = ({ recent }: ServiceDeps, levels: Operations): Operations => ({
  ...levels,
  ...(recent ? recentOperation(recent, process.pid) : {}),
})
