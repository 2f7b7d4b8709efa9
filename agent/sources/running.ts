import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Network } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import { backoffMs, type RetryPolicy } from '../../core/retry.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import type { Stamp } from '../../protocol/reading.ts'
import type { Outbox } from '../outbox/index.ts'
import type { PlannedSource } from './configuration.ts'
import type { Sharing } from './shared.ts'
import type { Sample, Source } from './source.ts'
import { createTally, type SourceStatus } from './tally.ts'

export interface SourcesDeps {
  outbox: Pick<Outbox, 'append' | 'lose'>
  stamp(): Stamp
  clock: Clock
  random: Random
  log: Logger
  network: Network
}

/** A source of the applied configuration, alive or between two lives. */
export interface RunningSource {
  readonly definition: DataSource
  readonly isBound: Source['isBound']
  readonly offer: Source['offer']
  /** Runs, and runs again after a failure, until aborted or stopped. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  stop(): void
  status(): SourceStatus
}

const restart: RetryPolicy = { initialMs: 1_000, maxMs: 60_000 }

export function createRunning(
  { definition, protocol, priority, create }: PlannedSource,
  deps: SourcesDeps & Sharing,
): RunningSource {
  const { outbox, clock, random } = deps
  const { name } = definition
  const log = deps.log.child({ source: name })
  const tally = createTally(clock)
  const stopped = new AbortController()

  const source = create({
    ...{ clock, random, log, network: deps.network, stamp: deps.stamp, share: deps.share },
    report: tally.device,
    async storeOrRefuse(samples) {
      const fault = await store(samples)
      if (!fault) return
      tally.refused(samples.length)
      throw fault
    },
    async storeOrLose(samples) {
      if (!(await store(samples))) return
      outbox.lose(name, 'refused', samples.length)
      tally.lost(samples.length)
    },
  })

  /** Why they are not kept; undefined when they are. */
  async function store(samples: readonly Sample[]): Promise<Error | undefined> {
    if (samples.length === 0) return undefined
    const readings = samples.map(({ reason: _counted, ...reading }) => reading)
    try {
      await outbox.append({ source: name, readings, priority })
      tally.stored(samples)
      return undefined
    } catch (error) {
      if (tally.failed(error as Error)) log.warn({ err: error }, 'readings are not stored')
      return error as Error
    }
  }

  return {
    definition,
    isBound: source.isBound?.bind(source),
    offer: source.offer?.bind(source),
    stop: () => stopped.abort(),
    status: () => ({ name, protocol, ...tally.status() }),
    async run(outer) {
      const signal = AbortSignal.any([outer, stopped.signal])
      for (let attempt = 0; !signal.aborted; attempt++) {
        const startedAt = clock.monotonic()
        const error = await death(source, signal)
        if (signal.aborted) return
        tally.died(error)
        if (clock.monotonic() - startedAt > restart.maxMs) attempt = 0
        const delayMs = backoffMs(attempt, restart, random)
        log.error({ err: error, delayMs }, 'source died')
        await clock.sleep(delayMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
  }
}

async function death(source: Source, signal: AbortSignal): Promise<Error> {
  try {
    await source.run(signal)
    return new Error('the source ended by itself')
  } catch (error) {
    return error as Error
  }
}
