import { isDeepStrictEqual } from 'node:util'
import { aborted } from '../../core/tasks.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { planSources } from './configuration.ts'
import { messageOf, type Payload } from './message.ts'
import { createRunning, type RunningSource, type SourcesDeps } from './running.ts'
import { createSharing } from './shared.ts'
import type { SourceStatus } from './tally.ts'

export type { Payload } from './message.ts'
export type { SourcesDeps } from './running.ts'
export { type Inventory, readInventory } from './system/inventory.ts'
export type { SourceStatus } from './tally.ts'

/** Acquires readings as the data source configuration says. */
export interface Sources {
  /**
   * Makes the running sources match: untouched ones keep running, changed ones restart. All faults are
   * found first; with any, nothing changes and `Invalid` with every fault and its path is thrown.
   */
  apply(dataSources: readonly DataSource[]): void
  /** Whether a data point is bound to the topic. */
  isBound(topic: string): boolean
  /**
   * A message of an app. Undefined when no data point is bound to the topic; otherwise a promise that
   * resolves when its readings are kept, and rejects when they are not: the app is to send it again.
   */
  offer(topic: string, payload: Payload): Promise<void> | undefined
  /** Runs the applied sources until aborted. */
  run(signal: AbortSignal): Promise<void>
  status(): SourceStatus[]
}

export interface SourcesConfig {
  /** A data source may not ask for a shorter interval. */
  minIntervalMs: number
}

export function createSources(deps: SourcesDeps, config: SourcesConfig): Sources {
  let applied: RunningSource[] = []
  let running: AbortSignal | undefined
  const lives = new Set<Promise<void>>()
  const sharing = createSharing()

  const start = (source: RunningSource, signal: AbortSignal) => {
    const life = source.run(signal).finally(() => lives.delete(life))
    lives.add(life)
  }

  return {
    apply(dataSources) {
      const planned = planSources(dataSources, config)
      const left = new Set(applied)
      const next = planned.map((plan) => {
        const same = [...left].find(({ definition }) => isDeepStrictEqual(definition, plan.definition))
        if (same) left.delete(same)
        return { source: same ?? createRunning(plan, { ...deps, ...sharing }), isNew: same === undefined }
      })
      applied = next.map(({ source }) => source)
      for (const source of left) source.stop()
      for (const { source, isNew } of next) if (isNew && running) start(source, running)
    },

    isBound: (topic) => applied.some((source) => source.isBound?.(topic)),

    offer(topic, payload) {
      const message = messageOf(payload)
      const stored = applied.flatMap((source) => source.offer?.(topic, message) ?? [])
      return stored.length === 0 ? undefined : Promise.all(stored).then(() => {})
    },

    async run(signal) {
      running = signal
      for (const source of applied) start(source, signal)
      await aborted(signal)
      await Promise.all(lives)
    },

    status: () => applied.map((source) => source.status()),
  }
}
