import type { Logger } from '../../core/log.ts'
import type { TokensThread } from './tokens-thread.ts'

/** Clears away what no token names any more, a little at a time, so that others get their turn. */
export interface Sweep {
  start(): void
  stop(): Promise<void>
}

export function createSweep(thread: () => Promise<TokensThread>, log: Logger): Sweep {
  let running: Promise<void> | undefined
  let isAsked = false
  let isStopped = false

  const run = async (): Promise<void> => {
    const { call } = await thread()
    while (isAsked && !isStopped) isAsked = await call('tidy')
  }
  return {
    start() {
      isAsked = true
      if (isStopped) return
      running ??= run()
        .catch((err) => log.warn({ err }, 'old values were not cleared away'))
        .finally(() => {
          running = undefined
        })
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}
