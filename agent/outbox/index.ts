import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Range } from '../../protocol/ack.ts'
import type { Reading } from '../../protocol/reading.ts'
import { type CommitWindowConfig, createCommitWindow } from './commit-window.ts'
import { openStore } from './store.ts'
import type { OutboxStats, StoredBatch } from './thread.ts'

export type { OutboxStats, StoredBatch } from './thread.ts'

/** Store-and-forward: a reading stays on disk until the hub has acknowledged its batch. */
export interface Outbox extends AsyncDisposable {
  /**
   * Resolves once the readings are on disk: this, and nothing earlier, is what an acknowledgement to
   * a producer may rest on. Rejects when they could not be stored; they are then not kept.
   */
  append(readings: readonly Reading[]): Promise<void>
  /** Committed and not acknowledged batches with a sequence above `after`, oldest first. */
  pending(after: number, limit: number): Promise<StoredBatch[]>
  /** The hub has committed these; they are deleted, lazily. Unknown ranges and epochs change nothing. */
  acknowledge(epoch: string, ranges: readonly Range[]): Promise<void>
  /** Called after each commit. */
  onCommit(listener: () => void): void
  stats(): Promise<OutboxStats>
  /** Rejects when the store's thread has died or its file has broken; never resolves. */
  readonly died: Promise<never>
}

export interface OutboxDeps {
  clock: Clock
  random: Random
  log: Logger
}

export interface OutboxConfig extends CommitWindowConfig {
  /** The database file. */
  path: string
}

/** Acknowledged batches are deleted this often: in one transaction, since each costs an fsync. */
const settleIntervalMs = 10_000

/**
 * Opens whatever state the file is in: a broken one is renamed to `<path>.corrupt-<time>` and a new
 * one, with a new epoch, begins. One that breaks later is set aside too, and `died` rejects, so that
 * the process starts anew.
 */
export async function openOutbox(deps: OutboxDeps, config: OutboxConfig): Promise<Outbox> {
  const { clock } = deps
  const log = deps.log.child({ part: 'outbox' })
  const store = await openStore({ ...deps, log }, config.path)
  const listeners: (() => void)[] = []
  const closing = new AbortController()

  const window = createCommitWindow(
    {
      clock,
      async commit(readings) {
        await store.call('commit', readings)
        for (const listener of listeners) listener()
      },
    },
    config,
  )

  const settle = () =>
    store.call('settle').catch((err) => log.warn({ err }, 'acknowledged batches not deleted'))
  async function settleNowAndThen(): Promise<void> {
    for (;;) {
      await clock.sleep(settleIntervalMs, closing.signal)
      await settle()
    }
  }
  const settling = settleNowAndThen().catch(() => {}) // ends by the abort alone

  return {
    append: window.add,
    pending: (after, limit) => store.call('pending', after, limit),
    acknowledge: (epoch, ranges) => store.call('acknowledge', epoch, ranges),
    onCommit: (listener) => void listeners.push(listener),
    stats: () => store.call('stats'),
    died: store.died,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await settling
      await window.flush()
      await settle()
      await store[Symbol.asyncDispose]()
    },
  }
}
