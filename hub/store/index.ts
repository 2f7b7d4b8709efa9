import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { openThread, type Thread, threadUrl } from '../../core/thread.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import type { DeviceEvent } from '../../protocol/alarm.ts'
import type { GapReport } from '../../protocol/gap.ts'
import type { Reading } from '../../protocol/reading.ts'
import type { KeptAlarm } from '../alarms/alarm-table.ts'
import type { KeptAuditHead } from '../alarms/audit-head-table.ts'
import type { SourceBalance } from './balance.ts'
import { type CommitQueue, createCommitQueue } from './commit-queue.ts'
import { parseCursor, writeCursor } from './cursor.ts'
import type { AddedGaps, GapQuery, GapRow } from './gap-table.ts'
import type { MalformedTally } from './malformed-table.ts'
import { readingsOf, type StoredReading } from './reading-pages.ts'
import type { KeptReport } from './report-table.ts'
import type { StoreThread } from './thread.ts'

export type { SourceBalance } from './balance.ts'
export type { AddedGaps, GapRow } from './gap-table.ts'
export type { MalformedTally } from './malformed-table.ts'
export type { StoredReading } from './reading-pages.ts'
export type { KeptReport } from './report-table.ts'

/** What agents have sent, each batch once. */
export interface ReadingStore extends AsyncDisposable {
  /**
   * Commits the batches of a message of an agent that are not in yet; resolves when they are on disk. A
   * message that cannot be read is kept aside and counts as committed, with no readings, so that nothing
   * waits behind it. One without even a readable header is kept aside too, and `Invalid` is thrown, since
   * it names no batches. Throws `NamesUnknown`, with nothing committed, when the agent has to tell its
   * names again.
   */
  commit(agentId: string, payload: Uint8Array, receivedAt: number): Promise<CommittedMessage>
  /** Stores readings that came without a batch: each takes the place of what its point had at that time. */
  overwrite(agentId: string, readings: readonly Reading[]): Promise<void>
  /** A payload that is not what its topic is for. */
  keepAside(agentId: string, payload: Uint8Array, reason: string, receivedAt: number): Promise<void>
  /** By time, whatever the point; those of one millisecond by point, then as they arrived. */
  query(query: ReadingQuery): Promise<{ readings: StoredReading[]; next?: string }>
  /** Rows of its loss ledger; those that are in already change nothing. Resolves when they are on disk. */
  addGaps(agentId: string, report: GapReport): Promise<AddedGaps>
  /** Rows of loss ledgers, those that came last first. */
  gaps(query: GapQuery): Promise<GapRow[]>
  /** Produced and arrived, by source. */
  balance(agentId: string): Promise<SourceBalance[]>
  /** The newest counts; and alarms, events and head of the audit, which are kept. */
  putReport(agentId: string, report: AgentReport, receivedAt: number): Promise<void>
  report(agentId: string): Promise<KeptReport | undefined>
  /** Of all agents unless told; the newest first. */
  alarms(agentId: string | undefined, withCleared: boolean, limit: number): Promise<KeptAlarm[]>
  events(agentId: string, limit: number): Promise<DeviceEvent[]>
  auditHead(agentId: string): Promise<KeptAuditHead | undefined>
  /** What of the agent was kept aside. */
  malformed(agentId: string): Promise<MalformedTally>
  removeAgent(agentId: string): Promise<void>
  /** Rejects when the store's thread has died; never resolves. */
  readonly died: Promise<never>
}

export interface CommittedMessage {
  epoch: string
  /** The first of its batches. */
  seq: number
  count: number
  /** Readings that are new. */
  readings: number
  /** How many of the batches had been committed before. */
  repeated: number
  malformed?: string
}

/** The agent has used an alias that the hub does not know, as after its restore from a backup. */
export class NamesUnknown extends EdgeError {
  override readonly name = 'NamesUnknown'
  readonly code = 'names_unknown'
  override readonly statusCode = 409

  constructor({ epoch, seq, alias }: { epoch: string; seq: number; alias: number }) {
    super(`message ${seq} of epoch ${epoch} uses the alias ${alias}, whose name is not known`)
  }
}

export interface ReadingQuery {
  agentId: string
  /** All points unless told. */
  pointId?: string
  /** Epoch milliseconds, inclusive. */
  since?: number
  /** `next` of the page before; opaque. */
  after?: string
  limit: number
}

export async function openReadingStore(
  deps: { clock: Clock; log: Logger },
  config: { dir: string },
): Promise<ReadingStore> {
  const log = deps.log.child({ part: 'store' })
  const path = join(config.dir, 'readings.db')
  const thread = await openThread<StoreThread>(threadUrl('thread', import.meta.url), { path })
  const commits = createCommitQueue((arrivals) => thread.call('commit', arrivals))
  const closing = new AbortController()
  const packing = packNowAndThen({ ...deps, log }, thread, commits, closing.signal)

  return {
    died: thread.died,
    async commit(agentId, payload, receivedAt) {
      const outcome = await commits.add({ agentId, payload: new Uint8Array(payload), receivedAt })
      if ('unnamed' in outcome) throw new Invalid(outcome.unnamed)
      if ('unknownAlias' in outcome) throw new NamesUnknown({ ...outcome, alias: outcome.unknownAlias })
      const { malformed, ...committed } = outcome
      if (malformed !== undefined)
        log.warn({ agentId, ...committed, reason: malformed }, 'malformed message kept aside')
      return outcome
    },
    async overwrite(agentId, readings) {
      if (readings.length > 0) await thread.call('overwrite', agentId, [...readings])
    },
    keepAside: (agentId, payload, reason, receivedAt) =>
      thread.call('keepAside', agentId, new Uint8Array(payload), reason, receivedAt),
    addGaps: (agentId, report) => thread.call('addGaps', agentId, report),
    gaps: (query) => thread.call('gaps', query),
    balance: (agentId) => thread.call('balance', agentId),
    putReport: (agentId, report, receivedAt) => thread.call('putReport', agentId, report, receivedAt),
    report: (agentId) => thread.call('report', agentId),
    alarms: (...query) => thread.call('alarms', ...query),
    events: (...query) => thread.call('events', ...query),
    auditHead: (agentId) => thread.call('auditHead', agentId),
    async query({ agentId, pointId, since = Number.MIN_SAFE_INTEGER, after, limit }) {
      const start = after === undefined ? ([since, 0, -1] as const) : parseCursor(after)
      const page = await thread.call('page', { agentId, pointId }, start, limit)
      const readings = readingsOf(page)
      return page.next ? { readings, next: writeCursor(page.next) } : { readings }
    },
    malformed: (agentId) => thread.call('malformed', agentId),
    removeAgent: (agentId) => thread.call('removeAgent', agentId),
    async [Symbol.asyncDispose]() {
      closing.abort()
      await packing
      await thread[Symbol.asyncDispose]()
    },
  }
}

/** How long nobody looks whether there is something to pack; between two steps while commits go on. */
const packIntervalMs = 2_000
const packPauseMs = 100

async function packNowAndThen(
  { clock, log }: { clock: Clock; log: Logger },
  thread: Thread<StoreThread>,
  commits: CommitQueue,
  signal: AbortSignal,
): Promise<void> {
  const step = (): Promise<boolean> =>
    thread.call('pack').catch((err) => {
      log.warn({ err }, 'readings could not be packed')
      return false
    })
  while (!signal.aborted) {
    const goesOn = await step()
    const pauseMs = goesOn ? packPauseMs : packIntervalMs
    if (!goesOn || commits.isBusy()) await clock.sleep(pauseMs, signal).catch(() => {}) // closing
  }
}
