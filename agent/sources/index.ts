import type { DataSource } from '../../protocol/data-source-configuration.ts'

/** Acquires readings as the data source configuration says. */
export interface Sources {
  /**
   * Makes the running sources match: untouched ones keep running, changed ones restart. All faults are
   * found first; with any, nothing changes and `Invalid` with every fault and its path is thrown.
   */
  apply(dataSources: readonly DataSource[]): void
  /**
   * A message on the local broker. Undefined when no data point is bound to the topic; otherwise a
   * promise that resolves when its readings are on disk.
   */
  offer(topic: string, payload: Buffer): Promise<void> | undefined
  /** Runs the applied sources until aborted. */
  run(signal: AbortSignal): Promise<void>
  status(): SourceStatus[]
}

export interface SourceStatus {
  name: string
  protocol: string
  state: 'starting' | 'good' | 'degraded' | 'dead'
  reason?: string
  /** Since the source started. */
  readings: number
  /** Readings of Bad quality, by reason: `{"not_a_number": 3}`. */
  bad: Record<string, number>
  lastReadingAt?: number
}
