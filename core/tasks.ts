export type Task = (signal: AbortSignal) => Promise<void>

/**
 * Runs tasks together until `signal` aborts. The first rejection aborts the others and is rethrown
 * once all have ended, so that the service manager restarts a whole process, never a half one.
 */
export async function runTasks(signal: AbortSignal, ...tasks: Task[]): Promise<void> {
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const results = await Promise.allSettled(
    tasks.map(async (task) => {
      try {
        await task(both)
      } catch (error) {
        if (!both.aborted) failed.abort(error)
        throw error
      }
    }),
  )
  if (failed.signal.aborted) throw failed.signal.reason
  for (const result of results)
    if (result.status === 'rejected' && result.reason !== signal.reason) throw result.reason
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** A task that fails when `death` rejects, and otherwise waits for the end. */
export const watching =
  (death: Promise<never>): Task =>
  (signal) =>
    Promise.race([death, aborted(signal)])
