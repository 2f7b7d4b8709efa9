import type { Body, Runs } from '../../../protocol/columns.ts'
import { orUndefined } from './bodies.ts'
import type { Books } from './books.ts'
import { transact } from './commit.ts'
import type { FrameHead, FrameRow } from './frame-table.ts'
import { epochAt } from './position.ts'

/** What is left for longer is an outage's backlog. */
const backlogMs = 300_000
/** Larger frames gain little. */
const enoughReadings = 500
/** In one go: some milliseconds of work. */
const maxFrames = 64

/**
 * Puts small frames of a backlog together into large ones, which take a fraction of the space: names and
 * readings of the batches stay. True when there may be more to do.
 */
export function createCompaction(books: Books) {
  const { frames, acknowledgements, bodies, stock } = books

  /** The next run of small frames that follow each other. */
  function next(now: number): { run: FrameHead[]; isEnd: boolean } {
    let run: FrameHead[] = []
    let readings = 0
    for (const head of frames.heads(books.compactFrom, Number.MAX_SAFE_INTEGER)) {
      if (head.since > now - backlogMs) return { run, isEnd: true }
      const isFull = readings + head.readings > 2 * enoughReadings || run.length >= maxFrames
      if (run.length > 0 && (isFull || !follows(run.at(-1) as FrameHead, head))) {
        if (run.length > 1) return { run, isEnd: false }
        run = []
        readings = 0
      }
      if (!isSmall(head)) continue
      run.push(head)
      readings += head.readings
      if (run.length > 1 && readings >= enoughReadings) return { run, isEnd: false }
    }
    return { run, isEnd: true }
  }

  const isSmall = ({ position, batches, readings, unproven }: FrameHead): boolean =>
    readings < enoughReadings && unproven === 0 && isUntouched({ position, batches })

  function isUntouched(head: Pick<FrameHead, 'position' | 'batches'>): boolean {
    const [open, ...more] = acknowledgements.open(head)
    return open !== undefined && more.length === 0 && open[1] - open[0] + 1 === head.batches
  }

  function joined(run: readonly FrameHead[]): FrameRow | undefined {
    const [first] = run as [FrameHead]
    const epoch = books.epochOf(first.position)
    const batches: Body['batches'] | undefined = orUndefined(() =>
      run.flatMap(({ position }): Runs[] => bodies.decode(epoch, frames.body(position) as Buffer)),
    )
    const runs = joinedRuns(run)
    if (batches === undefined || runs === undefined) return undefined
    return {
      position: first.position,
      batches: batches.length,
      readings: run.reduce((sum, { readings }) => sum + readings, 0),
      priority: first.priority,
      since: first.since,
      unproven: 0,
      runs: JSON.stringify(runs),
      body: bodies.encode(epoch, batches).body,
    }
  }

  return (now: number): boolean => {
    const { run, isEnd } = next(now)
    const last = run.at(-1)
    if (last === undefined || run.length < 2) return false
    const row = joined(run)
    if (row !== undefined) {
      transact(books, () => {
        stock.replace(run, row)
        books.saveTally()
      })
      stock.committed()
    }
    books.compactFrom = isEnd && row !== undefined ? row.position : last.position + last.batches
    return !isEnd
  }
}

const follows = (before: FrameHead, head: FrameHead): boolean =>
  head.position === before.position + before.batches &&
  head.priority === before.priority &&
  epochAt(head.position) === epochAt(before.position)

/** Undefined when the numbers of a source do not follow each other. */
function joinedRuns(run: readonly FrameHead[]): number[] | undefined {
  const sources = new Map<number, { first: number; count: number }>()
  for (const head of run) {
    const numbers = JSON.parse(head.runs) as number[]
    for (let k = 0; k < numbers.length; k += 3) {
      const [alias, first, count] = numbers.slice(k, k + 3) as [number, number, number]
      const before = sources.get(alias)
      if (before === undefined) sources.set(alias, { first, count })
      else if (before.first + before.count !== first) return undefined
      else before.count += count
    }
  }
  return [...sources].flatMap(([alias, { first, count }]) => [alias, first, count])
}
