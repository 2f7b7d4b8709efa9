import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Network } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import { backoffMs, type RetryPolicy } from '../../core/retry.ts'
import type { Stamp } from '../../protocol/reading.ts'
import type { Alarms } from '../alarms.ts'
import type { Outbox } from '../outbox/index.ts'
import type { PlannedSource } from './configuration.ts'
import { createKeeping } from './keeping.ts'
import { createNewest, type Newest } from './newest.ts'
import { belongings, type Places } from './places.ts'
import type { Sharing } from './shared.ts'
import type { Sample, Source } from './source.ts'
import { createTally, type SourceStatus } from './tally.ts'
import { createVitalSigns } from './vital-signs.ts'

export interface SourcesDeps {
  outbox: Pick<Outbox, 'append' | 'lose'>
  stamp(): Stamp
  clock: Clock
  random: Random
  log: Logger
  network: Network
  alarms: Pick<Alarms, 'raise' | 'clear'>
  /** Undefined: nothing is known again after a restart. */
  places?: Places
  /** Told what each source reads, before any filter; of shadows nothing. */
  heard?(source: string, samples: readonly Sample[]): void
}

/** A source of the applied configuration, alive or between two lives. */
export interface RunningSource {
  readonly plan: PlannedSource
  readonly definition: PlannedSource['definition']
  readonly newest: Newest
  readonly isBound: Source['isBound']
  readonly offer: Source['offer']
  /** Runs, and runs again after a failure, until aborted or stopped. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  stop(): void
  /** Of a shadow: what it reads is stored from now on, beginning with the newest of each point. */
  promote(): void
  status(): SourceStatus
}

const restart: RetryPolicy = { initialMs: 1_000, maxMs: 60_000 }

/** A shadow reads, and neither stores what it reads nor raises an alarm. */
export function createRunning(
  plan: PlannedSource,
  deps: SourcesDeps & Sharing,
  { shadow = false }: { shadow?: boolean } = {},
): RunningSource {
  const { definition, protocol, priority, pipeline, create } = plan
  const { outbox, clock, random } = deps
  const { name } = definition
  const log = deps.log.child({ source: name, ...(shadow ? { shadow } : {}) })
  const tally = createTally(clock)
  const vital = createVitalSigns(deps, name)
  const keeping = createKeeping({ outbox, clock, log, tally }, { name, priority, plan: pipeline })
  const stopped = new AbortController()
  const newest = createNewest(plan)
  let isShadow = shadow

  /** Of a shadow: undefined once it has been promoted. */
  function asShadow(samples: readonly Sample[]): Promise<void> | undefined {
    newest.heard(samples)
    if (!isShadow) deps.heard?.(name, samples)
    if (!isShadow) return undefined
    tally.acquired(samples)
    return Promise.resolve()
  }

  const source = create({
    ...{ clock, random, log, network: deps.network, stamp: deps.stamp, share: deps.share },
    ...belongings(deps.places, name),
    report(state) {
      tally.device(state)
      lookForLife()
    },
    turned: tally.turned,
    euRange: keeping.euRange,
    storeOrRefuse: (samples) => asShadow(samples) ?? keeping.storeOrRefuse(samples).finally(lookForLife),
    storeOrLose: (samples) => asShadow(samples) ?? keeping.storeOrLose(samples).finally(lookForLife),
  })

  function lookForLife(): void {
    if (stopped.signal.aborted || isShadow) return
    const { state, reason } = tally.health()
    vital.dead(state === 'dead' ? reason : undefined)
  }

  return {
    ...{ plan, definition, newest },
    isBound: source.isBound?.bind(source),
    offer: source.offer?.bind(source),
    stop() {
      stopped.abort()
      vital.dead(undefined)
    },
    promote() {
      if (!isShadow) return
      isShadow = false
      void keeping.storeOrLose(newest.samples()).finally(lookForLife)
    },
    status: () => ({ name, protocol, ...tally.status() }),
    async run(outer) {
      const signal = AbortSignal.any([outer, stopped.signal])
      await Promise.all([lives(signal), keeping.run(signal)])
      vital.end()
      // Not awaited: an outbox that waits for its disk must not hold up the end.
      void keeping.finish()
    },
  }

  async function lives(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const startedAt = clock.monotonic()
      const error = await death(source, signal)
      if (signal.aborted) return
      tally.died(error)
      lookForLife()
      if (clock.monotonic() - startedAt > restart.maxMs) attempt = 0
      const delayMs = backoffMs(attempt, restart, random)
      log.error({ err: error, delayMs }, 'source died')
      await clock.sleep(delayMs, signal).catch(() => {}) // aborted: the loop ends
    }
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
