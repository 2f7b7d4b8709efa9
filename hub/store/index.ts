import { join } from 'node:path'
import { Invalid } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { openThread, threadUrl } from '../../core/thread.ts'
import type { Reading } from '../../protocol/reading.ts'
import { createCommitQueue } from './commit-queue.ts'
import { parseCursor, writeCursor } from './cursor.ts'
import type { MalformedTally } from './malformed-table.ts'
import type { StoredReading } from './reading-table.ts'
import type { StoreThread } from './thread.ts'

export type { StoredReading } from './reading-table.ts'

/** What agents have sent, each batch once. */
export interface ReadingStore extends AsyncDisposable {
  /**
   * Commits one batch of an agent once; resolves when it is on disk. A batch whose body cannot be read
   * is kept aside and counts as committed, with no readings, so that nothing waits behind it. One without
   * even a readable header is kept aside too, and `Invalid` is thrown, since it has no name to acknowledge.
   */
  commit(agentId: string, payload: Uint8Array, receivedAt: number): Promise<CommittedBatch>
  /** Stores readings that came without a batch: each takes the place of what its point had at that time. */
  overwrite(agentId: string, readings: readonly Reading[]): Promise<void>
  /** By time, whatever the point; those of one millisecond by point, then as they arrived. */
  query(query: ReadingQuery): Promise<{ readings: StoredReading[]; next?: string }>
  /** What of the agent was kept aside. */
  malformed(agentId: string): Promise<MalformedTally>
  removeAgent(agentId: string): Promise<void>
  /** Rejects when the store's thread has died; never resolves. */
  readonly died: Promise<never>
}

export interface CommittedBatch {
  epoch: string
  seq: number
  /** Number of readings. */
  readings: number
  /** It had been committed before: nothing has changed. */
  repeated: boolean
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
  deps: { log: Logger },
  config: { dir: string },
): Promise<ReadingStore> {
  const log = deps.log.child({ part: 'store' })
  const path = join(config.dir, 'readings.db')
  const thread = await openThread<StoreThread>(threadUrl('thread', import.meta.url), { path })
  const commits = createCommitQueue((arrivals) => thread.call('commit', arrivals))

  return {
    died: thread.died,
    async commit(agentId, payload, receivedAt) {
      const outcome = await commits.add({ agentId, payload: new Uint8Array(payload), receivedAt })
      if ('unnamed' in outcome) throw new Invalid(outcome.unnamed)
      const { malformed, ...committed } = outcome
      if (malformed !== undefined)
        log.warn({ agentId, ...committed, reason: malformed }, 'malformed batch kept aside')
      return committed
    },
    async overwrite(agentId, readings) {
      if (readings.length > 0) await thread.call('overwrite', agentId, [...readings])
    },
    async query({ agentId, pointId, since = Number.MIN_SAFE_INTEGER, after, limit }) {
      const start = after === undefined ? ([since, 0, -1] as const) : parseCursor(after)
      const page = await thread.call('page', { agentId, pointId }, start, limit + 1)
      const readings = page.slice(0, limit).map(({ reading }) => reading)
      const last = page[limit - 1]
      return page.length > limit && last ? { readings, next: writeCursor(last.at) } : { readings }
    },
    malformed: (agentId) => thread.call('malformed', agentId),
    removeAgent: (agentId) => thread.call('removeAgent', agentId),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}
