import type { GapReason } from '../../protocol/gap.ts'
import type { Alarms } from '../alarms.ts'
import { outboxFull, outboxUnwritable } from './errors.ts'
import { addLosses, type Losses, type Uncounted } from './frame.ts'
import type { JournalStats } from './journal/index.ts'
import type { OutboxStats, SourceCount } from './stats.ts'

/** Counts since the start of the process, which outlive the thread. */
export interface Counters {
  takenIn(readings: number): void
  written(written: { readings: number; lost: Losses; isDiskFull: boolean }): void
  acknowledged(readings: number): void
  lost(reason: GapReason, readings: number): void
  /** The file is waited for. */
  cannotOpen(reason: Error): void
  opened(): void
  /** Together with what the thread knows and what it cannot know yet. */
  stats(
    journal: JournalStats,
    here: { maxBytes: number; unsealed: ReadonlyMap<string, number>; uncounted: readonly Uncounted[] },
  ): OutboxStats
}

const diskFull = 'disk_full'

export function createCounters({ alarms }: { alarms: Alarms }): Counters {
  let takenIn = 0
  let written = 0
  let acknowledged = 0
  const lost: Losses = {}

  function diskIs(full: boolean): void {
    if (full)
      alarms.raise(diskFull, 'the disk is full: the outbox has given up its ballast and keeps what fits')
    else alarms.clear(diskFull)
  }

  return {
    takenIn(readings) {
      takenIn += readings
    },
    written(result) {
      written += result.readings
      addLosses(lost, result.lost)
      diskIs(result.isDiskFull)
    },
    acknowledged(readings) {
      acknowledged += readings
    },
    lost: (reason, readings) => void addLosses(lost, { [reason]: readings }),
    cannotOpen(reason) {
      const isFull = 'code' in reason && reason.code === outboxFull
      alarms.raise(isFull ? diskFull : outboxUnwritable, `the outbox cannot be opened: ${reason.message}`)
    },
    // Whether the disk is still full is said with the first settlement.
    opened: () => alarms.clear(outboxUnwritable),
    stats: (journal, { maxBytes, unsealed, uncounted }) => ({
      ...journal,
      sources: withMore(journal.sources, unsealed, uncounted),
      ...{ maxBytes, takenIn, written, acknowledged },
      lost: { ...lost },
    }),
  }
}

/** Of a journal that cannot be opened. */
export const nothingKnown = (epoch: string): JournalStats => ({
  ...{ epoch, batches: 0, readings: 0, newest: 0, bytes: 0, sources: [] },
})

function withMore(
  sources: readonly SourceCount[],
  unsealed: ReadonlyMap<string, number>,
  uncounted: readonly Uncounted[],
): SourceCount[] {
  const all = new Map(sources.map((source) => [source.source, { ...source, lost: { ...source.lost } }]))
  const of = (source: string): SourceCount => {
    const found = all.get(source) ?? { source, produced: 0, delivered: 0, waiting: 0, lost: {} }
    all.set(source, found)
    return found
  }
  for (const [source, readings] of unsealed) {
    const count = of(source)
    count.produced += readings
    count.waiting += readings
  }
  for (const { source, reason, count: readings } of uncounted) {
    const count = of(source)
    count.produced += readings
    addLosses(count.lost, { [reason]: readings })
  }
  return [...all.values()]
}
