/** One at a time, in the order of asking. */
export interface Turns {
  /** Rejects with the signal's reason when it is aborted before the turn came. */
  take<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T>
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve()
  return {
    async take(signal, task) {
      const before = last
      const mine = Promise.withResolvers<void>()
      last = mine.promise
      const aborted = Promise.withResolvers<never>()
      const abort = () => aborted.reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      try {
        signal.throwIfAborted()
        await Promise.race([before, aborted.promise])
        return await task()
      } finally {
        signal.removeEventListener('abort', abort)
        // Who leaves the queue early still holds back those behind until those before are done.
        before.then(mine.resolve)
      }
    },
  }
}
