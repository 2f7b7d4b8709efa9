import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { openThread } from '../../core/thread.ts'
import type { Range } from '../../protocol/ack.ts'
import type { Gap, GapReason, GapReport } from '../../protocol/gap.ts'
import type { Alarms } from '../alarms.ts'
import type { Proof } from '../time/guard.ts'
import { type CommitStatus, createCommits } from './commits.ts'
import { createCounters, nothingKnown } from './counters.ts'
import type { Appended } from './frame.ts'
import { createIntake } from './intake.ts'
import type { Written } from './journal/index.ts'
import type { Pending, PendingQuery } from './pending.ts'
import { createSalvage, type Salvage } from './salvage/index.ts'
import { createSettlement } from './settlement.ts'
import { createSpilling } from './spilling.ts'
import type { OutboxStats } from './stats.ts'
import { openStore } from './store.ts'
import { createUncountedLosses } from './uncounted.ts'
import { createUpkeep } from './upkeep.ts'

export type { CommitStatus } from './commits.ts'
export type { Appended, Priority } from './frame.ts'
export type { Pending, PendingQuery } from './pending.ts'
export type { OutboxStats, SourceCount } from './stats.ts'

/** Store-and-forward: a reading is on disk or committed by the hub before anybody is told so. */
export interface Outbox extends AsyncDisposable {
  /**
   * Resolves once the readings are on disk, or the far side has acknowledged them: this, and nothing
   * earlier, is what an acknowledgement to a producer may rest on. Rejects when they could not be kept
   * (`OutboxFull` and others); whether the producer repeats them is then the caller's to know: what
   * nobody repeats is told to `lose`.
   */
  append(appended: Appended): Promise<void>
  /** Counts readings of a source that are not kept, on purpose or for want of space, for the ledger. */
  lose(source: string, reason: GapReason, count: number): void
  /**
   * What was not acknowledged, in order of position; batches of one epoch that follow each other come
   * put together as far as the query allows. Giving a batch out fixes its readings: until then their
   * times follow what is proven.
   */
  pending(query: PendingQuery): Promise<Pending[]>
  /**
   * The far side has committed these. They are no longer given out; deleted from disk later. Returns the
   * number of readings that this took off; unknown ranges and epochs change nothing.
   */
  acknowledge(epoch: string, ranges: readonly Range[]): Promise<number>
  /** The far side will not take these, ever: they go, and the ledger says so. */
  reject(epoch: string, ranges: readonly Range[]): Promise<void>
  /** Rows of the ledger that the hub has not acknowledged; undefined when there are none. A row given out grows no more. */
  pendingGaps(limit: number): Promise<GapReport | undefined>
  acknowledgeGaps(ledger: string, ranges: readonly Range[]): Promise<void>
  /** Kept rows, the newest first. */
  gaps(query: { before?: number; limit: number }): Promise<Gap[]>
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
  /** Batches that have waited longer are dropped, if the configuration does not say so earlier. */
  keepFor(ageMs: number | undefined): void
  /** Called whenever something has become pending; `urgent`: somebody waits for its acknowledgement. */
  onPending(listener: (urgent: boolean) => void): void
  stats(): Promise<OutboxStats>
  /** How writing goes; asks nobody. */
  commits(): CommitStatus
  /** Why the file cannot be opened; undefined while it can. */
  shut(): string | undefined
  /** Rejects when the store can no longer be had, though its thread was restarted; never resolves. */
  readonly died: Promise<never>
}

export interface OutboxDeps {
  clock: Clock
  random: Random
  log: Logger
  alarms: Alarms
  /** Starts a worker thread; core's own unless a test has to get at it. */
  openThread?: typeof openThread | undefined
}

export interface OutboxConfig {
  /** The database file. */
  path: string
  /** Names this start of the box. */
  boot: string
  /** Longest wait of a reading, counted from the first of its window, for its commit here or at the hub. */
  commitIntervalMs: number
  /** A window ends at once when about this much waits. */
  commitBytes: number
  /** spill: what the far side acknowledges within the commit interval is not written to disk. */
  mode: 'spill' | 'always'
  /** All that the outbox may take on disk, write-ahead log and ballast included. */
  maxBytes: number
  /** Part of it that is given up when the disk is full, so that deleting works. */
  ballastBytes: number
  /** When `maxBytes` are used. Events make place for themselves in either case. */
  whenFull: 'drop_oldest' | 'refuse_new'
  /** Older batches are dropped; undefined: none are. */
  maxAgeMs?: number
}

/**
 * Opens whatever state file and disk are in. While the file cannot be opened (a full disk, a mount that
 * is read-only), an alarm says so, producers wait, nothing is given out, and it is tried again. A broken one is renamed to `<path>.corrupt-<time>` and a new
 * one, with a new epoch, begins; so too when it breaks later. What is readable of the broken one is
 * taken back in the background.
 */
export async function openOutbox(deps: OutboxDeps, config: OutboxConfig): Promise<Outbox> {
  const { clock } = deps
  const log = deps.log.child({ part: 'outbox' })
  const { path, boot, maxBytes } = config
  const listeners: ((urgent: boolean) => void)[] = []
  const notify = (urgent: boolean) => {
    for (const listener of listeners) listener(urgent)
  }
  const counters = createCounters(deps)
  const onWritten = (written: Written) => {
    counters.written(written)
    notify(false)
  }
  const uncounted = createUncountedLosses(deps)
  const spilling = createSpilling(deps, config)
  let salvage: Salvage | undefined
  const commits = createCommits(deps)
  let whyShut: string | undefined
  let { maxAgeMs } = config
  const store = await openStore(
    {
      ...{ ...deps, log },
      onReplaced: (epoch) => settlement.adopt(epoch, boot),
      onQuarantined: () => salvage?.begin(),
      onShut(reason) {
        whyShut = reason.message
        counters.cannotOpen(reason)
      },
      onOpened() {
        if (whyShut === undefined) return
        whyShut = undefined
        counters.opened()
        notify(false)
      },
    },
    { ...config, boot },
  )
  const settlement = createSettlement({
    ...{ ...deps, log, store, spilling, uncounted, commits, onWritten },
    onSealed(readings, isGivenOut) {
      counters.takenIn(readings)
      if (isGivenOut) notify(true)
    },
  })
  const salvaging = createSalvage({ ...deps, log, store, onAdopted: onWritten }, { path })
  salvage = salvaging
  const intake = createIntake({ clock, spilling, settlement }, config)
  const upkeep = createUpkeep({ clock, log, store, uncounted, counters, maxAgeMs: () => maxAgeMs })
  salvaging.begin()

  return {
    append: intake.append,
    lose(source, reason, count) {
      uncounted.add(source, reason, count)
      counters.lost(reason, count)
    },
    keepFor(ageMs) {
      const ages = [config.maxAgeMs, ageMs].filter((age) => age !== undefined)
      maxAgeMs = ages.length === 0 ? undefined : Math.min(...ages)
    },
    pending: async (query) => (whyShut !== undefined ? [] : store.ask('pending', query)),
    async acknowledge(epoch, ranges) {
      const readings = (await store.ask('acknowledge', epoch, ranges)) + settlement.settled(epoch, ranges)
      counters.acknowledged(readings)
      return readings
    },
    async reject(epoch, ranges) {
      counters.lost('rejected', await store.ask('reject', epoch, ranges))
      settlement.settled(epoch, ranges)
    },
    pendingGaps: async (limit) => (whyShut !== undefined ? undefined : store.ask('pendingGaps', limit)),
    acknowledgeGaps: (ledger, ranges) => store.ask('acknowledgeGaps', ledger, ranges),
    gaps: (query) => store.ask('gaps', query),
    prove: store.prove,
    setAside: async (aside) => {
      await store.ask('opened') // else what waits to be sealed would hold it up
      await intake.holding(async () => {
        await salvaging.stop()
        await upkeep.settle(uncounted.all())
        await store.setAside(aside)
        notify(false)
      })
    },
    onPending: (listener) => void listeners.push(listener),
    async stats() {
      const here = { maxBytes, unsealed: intake.unsealed(), uncounted: uncounted.waiting() }
      const known = whyShut !== undefined ? nothingKnown(store.epoch()) : await store.ask('stats')
      return counters.stats(known, here)
    },
    commits: commits.status,
    shut: () => whyShut,
    died: store.died,
    async [Symbol.asyncDispose]() {
      store.stopWaiting()
      await upkeep[Symbol.asyncDispose]()
      settlement.close()
      await intake.flush()
      await salvaging[Symbol.asyncDispose]()
      await upkeep.settle(uncounted.all())
      await store[Symbol.asyncDispose]()
    },
  }
}
