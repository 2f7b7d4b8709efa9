import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** By then a daemon has called what a start calls, and who lives so long is one. */
const settledAfterMs = 10_000

/** Not for those that end before. */
export const whenSettled = (act: () => void): void => void setTimeout(act, settledAfterMs).unref()

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

/**
 * Gives back what only the start has needed, 8 MB of a gateway: V8 itself would keep it, as nothing presses
 * it on a machine with memory left. Once, some ten milliseconds long.
 */
export function giveBack(): void {
  setFlagsFromString('--expose-gc')
  // None when another thread, which is as old, has just taken the flag back: flags are of the whole process.
  const collect = runInNewContext('globalThis.gc') as Collect | undefined
  setFlagsFromString('--no-expose-gc') // compiled code is kept for the flags that it was made with
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
