import { isDeepStrictEqual } from 'node:util'
import type { Operations } from '../../core/control.ts'
import { aborted } from '../../core/tasks.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { type Definitions, type PlannedSource, planAll } from './definitions.ts'
import { createLive } from './live.ts'
import { createLives } from './lives.ts'
import { messageOf, type Payload } from './message.ts'
import { opcuaOperations } from './opcua/operations.ts'
import { sourceOperations } from './operations.ts'
import { belongings } from './places.ts'
import { createRunning, type RunningSource, type SourcesDeps } from './running.ts'
import { createSharing } from './shared.ts'
import type { SourceStatus } from './tally.ts'
import { faultsOfTrial, isTried, readBefore, type Shadow, type Trial, triedSource } from './trial.ts'

export { type Definitions, DefinitionsInvalid, planAll as checkDefinitions } from './definitions.ts'
export { sourceGauges } from './gauges.ts'
export type { Payload } from './message.ts'
export type { SourceSettings as ModbusSettings, Table as ModbusTable } from './modbus/settings.ts'
export { type Decoding, decodings, readDevice } from './modbus/survey.ts'
export type { OneRead } from './one-read.ts'
export type { BrowseParams as OpcuaBrowse, ShownNode as OpcuaNode } from './opcua/operations.ts'
export type { ServerCertificate as OpcuaCertificate } from './opcua/trust.ts'
export type { Watched } from './operations.ts'
export type { SourcesDeps } from './running.ts'
export { sourceSchema } from './schema.ts'
export type { ShownSample } from './shown.ts'
export { type Inventory, readInventory } from './system/inventory.ts'
export { surveyMetrics } from './system/survey.ts'
export type { SourceStatus } from './tally.ts'
export type { Trial } from './trial.ts'

/** Acquires readings as the data source configuration says. */
export interface Sources {
  /**
   * Makes the running sources match: untouched ones keep running, changed ones restart. All faults are
   * found first; with any, nothing changes and `DefinitionsInvalid` with every fault and its path is thrown.
   */
  apply(dataSources: readonly DataSource[], local?: readonly DataSource[]): void
  /** Throws as `apply` does. */
  check(definitions: Definitions): void
  /** Runs what is new without storing what it reads. Undefined when nothing of it can be tried. Throws as `apply` does. */
  try(definitions: Definitions): Trial | undefined
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
  /** `agent.sources`, `agent.sourceTest`, `agent.sourceWatch`, `agent.opcua…`. */
  readonly operations: Operations
}

export interface SourcesConfig {
  /** A data source may not ask for a shorter interval. */
  minIntervalMs: number
}

export function createSources(given: SourcesDeps, config: SourcesConfig): Sources {
  let applied: RunningSource[] = []
  let running: AbortSignal | undefined
  let trial: Trial | undefined
  const lives = createLives(given)
  const live = createLive(given)
  const deps = { ...given, ...createSharing(), heard: live.heard }

  const begin = (source: RunningSource, former?: RunningSource) => {
    if (running) lives.begin(source, running, former)
  }

  /** Each plan with the source that does already what it says; `left` are those that nobody plans. */
  function matched(planned: readonly PlannedSource[]) {
    const left = new Set(applied)
    const next = planned.map((plan) => {
      const same = [...left].find((each) => isSame(each.plan, plan))
      if (same) left.delete(same)
      return { plan, same }
    })
    return { next, left }
  }

  function put(planned: readonly PlannedSource[], shadows: readonly Shadow[]): void {
    const { next, left } = matched(planned)
    const all = next.map(({ plan, same }) => {
      const shadow = shadows.find(({ source }) => source.plan === plan)?.source
      return { source: same ?? shadow ?? createRunning(plan, deps), isNew: !same && !shadow }
    })
    applied = all.map(({ source }) => source)
    for (const source of left) source.stop()
    for (const { source } of shadows) source.promote()
    for (const { source, isNew } of all) if (isNew) begin(source, namesake(left, source))
  }

  /** Those that paused begin again, once the shadow in their place has let go of the device. */
  function resume(paused: ReadonlyMap<RunningSource, RunningSource>): void {
    applied = applied.map((source) => {
      const shadow = paused.get(source)
      if (!shadow) return source
      const again = createRunning(source.plan, deps)
      begin(again, shadow)
      return again
    })
  }

  function openTrial(planned: readonly PlannedSource[]): Trial | undefined {
    const { next, left } = matched(planned)
    const before = readBefore(applied)
    const paused = new Map<RunningSource, RunningSource>()
    const shadows = next.flatMap(({ plan, same }): Shadow[] => {
      if (same || !isTried(plan)) return []
      const source = createRunning(plan, deps, { shadow: true })
      const former = plan.trial === 'instead' ? namesake(left, source) : undefined
      former?.stop()
      if (former) paused.set(former, source)
      begin(source, former)
      return [{ source, way: plan.trial === 'instead' ? 'instead' : 'beside' }]
    })
    if (shadows.length === 0) return undefined
    const opened: Trial = {
      status: () => shadows.map((shadow) => triedSource(shadow, before)),
      faults: (atEnd) => faultsOfTrial(shadows, before, atEnd),
      commit() {
        if (trial !== opened) return
        trial = undefined
        put(planned, shadows)
      },
      revert() {
        if (trial !== opened) return
        trial = undefined
        for (const { source } of shadows) source.stop()
        resume(paused)
      },
    }
    return opened
  }

  return {
    apply(dataSources, local = []) {
      const planned = planAll({ hub: dataSources, local }, config)
      trial?.revert()
      put(planned, [])
    },
    check: (definitions) => void planAll(definitions, config),
    try(definitions) {
      const planned = planAll(definitions, config)
      trial?.revert()
      trial = openTrial(planned)
      return trial
    },

    isBound: (topic) => applied.some((source) => source.isBound?.(topic)),

    offer(topic, payload) {
      const message = messageOf(payload)
      const stored = applied.flatMap((source) => source.offer?.(topic, message) ?? [])
      return stored.length === 0 ? undefined : Promise.all(stored).then(() => {})
    },

    async run(signal) {
      running = signal
      for (const source of applied) lives.begin(source, signal)
      await aborted(signal)
      await lives.ended()
    },

    status: () => applied.map((source) => source.status()),
    operations: {
      ...sourceOperations(
        { ...deps, live, applied: () => applied, isRunning: () => running !== undefined },
        config,
      ),
      ...opcuaOperations({ ...deps, pkiDir: belongings(deps.places, '').pkiDir }),
    },
  }
}

const isSame = (a: PlannedSource, b: PlannedSource): boolean =>
  a.origin === b.origin && isDeepStrictEqual(a.definition, b.definition)

const namesake = (sources: ReadonlySet<RunningSource>, { definition }: RunningSource) =>
  [...sources].find((each) => each.definition.name === definition.name)
