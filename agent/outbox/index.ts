import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Range } from '../../protocol/ack.ts'
import type { Reading } from '../../protocol/reading.ts'
import type { Proof } from '../time/guard.ts'
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
  /**
   * Committed and not acknowledged batches with a sequence above `after`, oldest first. Giving one out
   * fixes its bytes: until then the times of its readings follow what is proven.
   */
  pending(after: number, limit: number): Promise<StoredBatch[]>
  /** The hub has committed these; they are deleted, lazily. Unknown ranges and epochs change nothing. */
  acknowledge(epoch: string, ranges: readonly Range[]): Promise<void>
  /**
   * What is known of the time in this start of the box, now and for batches that no later start can
   * correct. Effective for all that `pending` is asked after this call.
   */
  prove(proof: Proof): Promise<void>
  /**
   * Moves all that is kept to the file `path`, which the next to be appended does not join: a new epoch
   * begins. May be repeated: what is in `path` already stays. Throws when it could not be moved.
   */
  setAside(path: string): Promise<void>
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
  /** Names this start of the box. */
  boot: string
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
  const store = await openStore({ ...deps, log }, config)
  const listeners: (() => void)[] = []
  const closing = new AbortController()
  let proven: Proof | undefined

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
    async prove(proof) {
      proven = proof
      await store.call('prove', proof)
    },
    async setAside(path) {
      await window.flush()
      await settle()
      await store.setAside(path)
      if (proven) await store.call('prove', proven) // the new file does not know
    },
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
