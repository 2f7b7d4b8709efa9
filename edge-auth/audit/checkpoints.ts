import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Store } from '../store/index.ts'

const intervalMs = 3_600_000

export interface CheckpointsDeps {
  store: Pick<Store, 'signAudit'>
  clock: Clock
  log: Logger
}

/** Signs the audit each hour, and at the end: what was removed while the box was stopped is found. */
export function createCheckpoints({ store, clock, log }: CheckpointsDeps) {
  const sign = (): Promise<void> =>
    store.signAudit(clock.now()).catch((err) => log.error({ err }, 'audit not signed'))
  return {
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await clock.sleep(intervalMs, signal).catch(() => {}) // aborted
        await sign()
      }
    },
    [Symbol.asyncDispose]: sign,
  }
}
