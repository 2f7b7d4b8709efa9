import { systemClock } from '../../core/clock.ts'
import { callControl, controlSocket } from '../../core/control.ts'
import { EdgeError } from '../../core/errors.ts'
import type { RecentLines } from '../../core/log-ring.ts'
import { readJournal, unitOf } from './journal.ts'
import { fits, type LogFilter, type LogLine } from './line.ts'
import type { LogPlace } from './place.ts'
import { type AskRecent, followRing, linesOf } from './ring.ts'

export type { LogLine } from './line.ts'
export { type LogPlace, logPlace } from './place.ts'

export interface LogQuery extends LogFilter {
  /** The newest so many. */
  lines: number
}

export class NoLog extends EdgeError {
  override readonly name = 'NoLog'
  readonly code = 'no_log'
  override readonly cure: string

  constructor({ unit, places }: LogPlace) {
    super(`nothing answers for ${places.stateDir}, and there is no journal of ${unit}`)
    this.cure =
      'Start it: what it has said in its memory is gone; what it writes on standard error is where you have led that.'
  }
}

/** A healthy process answers within milliseconds. */
const patienceMs = 3_000
/** What is looked through for lines that are wanted: a bound, as a journal may be long. */
const searched = 200_000

/** The last lines that fit, the oldest first. Throws `NoLog`. */
export async function lastLines(place: LogPlace, query: LogQuery, signal: AbortSignal): Promise<LogLine[]> {
  const source = await sourceOf(place, asking(place, signal))
  return source.journal ? lastOfJournal(place.unit, query, signal) : choose(linesOf(source.recent), query)
}

/** The last lines that fit, then those that come, until aborted. Throws `NoLog`. */
export async function* followLines(
  place: LogPlace,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const ask = asking(place, signal)
  const source = await sourceOf(place, ask)
  const wanted = fits(query)
  if (source.journal) {
    // One call for both, so that no line falls between them; a filter then looks at the last so many.
    const { lines, sinceAt } = query
    for await (const line of readJournal(place.unit, { lines, sinceAt, follow: true }, signal))
      if (wanted(line)) yield line
    return
  }
  let isFirst = true
  for await (const lines of followRing(ask, source.recent, systemClock, signal)) {
    yield* isFirst ? choose(lines, query) : lines.filter(wanted)
    isFirst = false
  }
}

const choose = (lines: readonly LogLine[], query: LogQuery): LogLine[] =>
  lines.filter(fits(query)).slice(-query.lines)

async function lastOfJournal(unit: string, query: LogQuery, signal: AbortSignal): Promise<LogLine[]> {
  const wanted = fits(query)
  const isFiltered = query.level !== undefined || query.module !== undefined
  const asked = { sinceAt: query.sinceAt, lines: isFiltered ? searched : query.lines }
  const last: LogLine[] = []
  for await (const line of readJournal(unit, asked, signal)) {
    if (!wanted(line)) continue
    last.push(line)
    if (last.length > query.lines) last.shift()
  }
  return last
}

/** Undefined while nobody answers. */
function asking({ places }: LogPlace, signal: AbortSignal): AskRecent {
  return async (params) => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    const answer = await callControl(controlSocket(places), 'log.recent', params, patience).catch((error) => {
      if (error instanceof EdgeError) throw error
      return signal.throwIfAborted()
    })
    return answer?.result as RecentLines | undefined
  }
}

type Source = { journal: true } | { journal: false; recent: RecentLines }

/** The journal reaches further back, and is there after a crash; but it may be another process's, or closed to us. */
async function sourceOf(place: LogPlace, ask: AskRecent): Promise<Source> {
  const [unit, recent] = await Promise.all([unitOf(place.unit), ask({})])
  const isOfUnit = recent ? recent.pid === unit.pid : unit.isKnown && place.isUnits
  if (isOfUnit && (!recent || (await isReadable(place.unit)))) return { journal: true }
  if (!recent) throw new NoLog(place)
  return { journal: false, recent }
}

async function isReadable(unit: string): Promise<boolean> {
  const patience = AbortSignal.timeout(patienceMs)
  for await (const _ of readJournal(unit, { lines: 1 }, patience)) return true
  return false
}
