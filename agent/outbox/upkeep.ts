import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Counters } from './counters.ts'
import type { Uncounteds } from './frame.ts'
import type { Store } from './store.ts'
import type { UncountedLosses } from './uncounted.ts'

/** What is done now and then, until disposed. */
export interface Upkeep extends AsyncDisposable {
  /** Deletes what was acknowledged or is too old, and writes these counts. Never rejects. */
  settle(losses: Uncounteds | undefined): Promise<void>
}

export interface UpkeepDeps {
  clock: Clock
  log: Logger
  store: Pick<Store, 'call'>
  uncounted: UncountedLosses
  counters: Counters
  maxAgeMs(): number | undefined
}

/** Acknowledged batches are deleted this often: in one transaction, since each costs an fsync. */
const intervalMs = 10_000
/** Pieces of compaction at a time; commits get their turn between them. */
const maxCompactions = 20

export function createUpkeep(deps: UpkeepDeps): Upkeep {
  const { clock, log, store, uncounted, counters } = deps
  const closing = new AbortController()

  async function settle(losses: Uncounteds | undefined): Promise<void> {
    try {
      const maxAgeMs = deps.maxAgeMs()
      const age = maxAgeMs === undefined ? {} : { maxAgeMs }
      const moment = { now: clock.now(), monotonic: clock.monotonic(), ...age }
      const settled = await store.call('settle', moment, ...(losses ? [losses] : ([] as [])))
      if (losses) uncounted.done(losses)
      counters.written({ readings: 0, ...settled })
    } catch (err) {
      log.warn({ err }, 'acknowledged batches not deleted')
    }
  }

  async function compact(): Promise<void> {
    for (let k = 0; k < maxCompactions && !closing.signal.aborted; k++)
      if (!(await store.call('compact', clock.now()))) return
  }

  async function nowAndThen(): Promise<void> {
    for (;;) {
      await clock.sleep(intervalMs, closing.signal)
      await settle(uncounted.due())
      await store.call('growLog').catch((err) => log.warn({ err }, 'log of the outbox not grown'))
      await compact().catch((err) => log.warn({ err }, 'backlog not compacted'))
    }
  }
  const running = nowAndThen().catch(() => {}) // ends by the abort alone

  return {
    settle,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}
