import type { Clock } from '../../core/clock.ts'
import type { RecentLines } from '../../core/log-ring.ts'
import { type LogLine, parseLine } from './line.ts'

/** Asks the running process; undefined while none answers. */
export type AskRecent = (params: object) => Promise<RecentLines | undefined>

const pollMs = 500

/** What the running process keeps in its memory: all of it, then what it goes on to say. */
export async function* followRing(
  ask: AskRecent,
  first: RecentLines,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<LogLine[]> {
  let last = first
  yield linesOf(first)
  for (;;) {
    await clock.sleep(pollMs, signal)
    // Another process begins anew, and says all of its own.
    const found = await ask({ after: { pid: last.pid, place: last.place } })
    if (found === undefined) continue
    last = found
    if (found.lines.length > 0) yield linesOf(found)
  }
}

export const linesOf = ({ lines }: RecentLines): LogLine[] =>
  lines.map(parseLine).filter((line) => line !== undefined)
