import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Outbox, Priority } from '../outbox/index.ts'
import { createPipeline, type Passed, type PipelinePlan } from './pipeline/index.ts'
import type { Sample, SourceContext } from './source.ts'
import type { Tally } from './tally.ts'

/** Brings the samples of a source through its pipeline and into the outbox. */
export interface Keeping extends Pick<SourceContext, 'storeOrRefuse' | 'storeOrLose' | 'euRange'> {
  /** Stores what becomes due by the clock alone, until aborted. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  /** Stores what is still to be sent. Never rejects. */
  finish(): Promise<void>
}

export interface KeepingDeps {
  outbox: Pick<Outbox, 'append' | 'lose'>
  clock: Clock
  log: Logger
  tally: Tally
}

export interface KeepingConfig {
  name: string
  priority: Priority
  plan: PipelinePlan | undefined
}

export function createKeeping(
  { outbox, clock, log, tally }: KeepingDeps,
  { name, priority, plan }: KeepingConfig,
): Keeping {
  const pipeline = plan && createPipeline(plan, clock)

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

  function withheld({ deadband, rate }: Passed['withheld']): void {
    if (deadband > 0) outbox.lose(name, 'deadband', deadband)
    if (rate > 0) outbox.lose(name, 'rate', rate)
    tally.withheld(deadband + rate)
  }

  const passed = (samples: readonly Sample[]): Passed =>
    pipeline?.pass(samples) ?? { samples, withheld: none, count() {}, notKept() {} }

  /** For what nobody repeats. */
  async function keepOrLose(given: Passed): Promise<void> {
    withheld(given.withheld)
    given.count()
    if (!(await store(given.samples))) return
    given.notKept()
    outbox.lose(name, 'refused', given.samples.length)
    tally.lost(given.samples.length)
  }

  return {
    async storeOrRefuse(samples) {
      tally.acquired(samples)
      const given = passed(samples)
      const fault = await store(given.samples)
      if (fault) {
        given.notKept()
        tally.refused(samples.length)
        throw fault
      }
      withheld(given.withheld)
      given.count()
    },

    async storeOrLose(samples) {
      tally.acquired(samples)
      await keepOrLose(passed(samples))
    },

    euRange: (point, range) => pipeline?.euRange(point, range),

    async run(signal) {
      const everyMs = pipeline?.dueEveryMs
      if (!pipeline || everyMs === undefined) return
      while (!signal.aborted) {
        await clock.sleep(everyMs, signal).catch(() => {}) // aborted: the loop ends
        if (!signal.aborted) void keepOrLose(pipeline.due())
      }
    },

    async finish() {
      if (pipeline) await keepOrLose(pipeline.finish())
    },
  }
}

const none = { deadband: 0, rate: 0 }
