import type { Range } from '../../protocol/ack.ts'
import type { Pending } from '../outbox/index.ts'

export type Lane = 'live' | 'backlog'

/** A message that was sent and is not wholly acknowledged. */
export interface InFlight {
  message: Pending
  lane: Lane
  /** On the monotonic clock, and epoch milliseconds. */
  sentAt: number
  sentWallAt: number
  /** No message of the backlog was in flight then. */
  isAlone: boolean
  /** Its batches that are not acknowledged, by seq. */
  open: readonly Range[]
}

/** What is in flight, by our own (epoch, seq): packet ids die with their connection. */
export interface Window {
  add(entry: Omit<InFlight, 'open'>): void
  /** Never sent after all. */
  remove(message: Pending): void
  /** Takes batches off. Foreign and repeated ones change nothing. */
  settle(epoch: string, ranges: readonly Range[]): Settled
  oldest(): InFlight | undefined
  /** When the latest of those that these ranges name was sent; on the monotonic clock. */
  lastSentAt(epoch: string, ranges: readonly Range[]): number | undefined
  /** The lowest position in flight. */
  lowest(): number | undefined
  count(lane?: Lane): number
}

export interface Settled {
  batches: number
  /** Those that are off the window now. */
  finished: InFlight[]
}

export function createWindow(): Window {
  /** In the order in which they were sent. */
  const entries = new Map<Pending, InFlight>()
  const counts: Record<Lane, number> = { live: 0, backlog: 0 }

  function remove(message: Pending): void {
    const entry = entries.get(message)
    if (entry === undefined) return
    entries.delete(message)
    counts[entry.lane]--
  }

  return {
    add(entry) {
      const { seq, count } = entry.message
      entries.set(entry.message, { ...entry, open: [[seq, seq + count - 1]] })
      counts[entry.lane]++
    },
    remove,
    settle(epoch, ranges) {
      const settled: Settled = { batches: 0, finished: [] }
      for (const entry of entries.values()) {
        if (entry.message.epoch !== epoch) continue
        const open = ranges.reduce(without, entry.open)
        settled.batches += sizeOf(entry.open) - sizeOf(open)
        entry.open = open
        if (open.length > 0) continue
        remove(entry.message)
        settled.finished.push(entry)
      }
      return settled
    },
    oldest: () => entries.values().next().value,
    lastSentAt(epoch, ranges) {
      const named = [...entries.values()].filter(
        ({ message, open }) => message.epoch === epoch && sizeOf(ranges.reduce(without, open)) < sizeOf(open),
      )
      return named.length === 0 ? undefined : Math.max(...named.map(({ sentAt }) => sentAt))
    },
    lowest() {
      const positions = [...entries.keys()].map(({ position }) => position)
      return positions.length === 0 ? undefined : Math.min(...positions)
    },
    count: (lane) => (lane === undefined ? entries.size : counts[lane]),
  }
}

const without = (open: readonly Range[], [from, to]: Range): readonly Range[] =>
  open.flatMap(([first, last]): Range[] => {
    if (to < first || last < from) return [[first, last]]
    const below: Range[] = first < from ? [[first, from - 1]] : []
    const above: Range[] = to < last ? [[to + 1, last]] : []
    return [...below, ...above]
  })

const sizeOf = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
