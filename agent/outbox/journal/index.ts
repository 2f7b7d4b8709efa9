import type { Range } from '../../../protocol/ack.ts'
import type { Gap, GapReport } from '../../../protocol/gap.ts'
import type { Proof } from '../../time/guard.ts'
import { namingFailures } from '../errors.ts'
import type { Adopted, Sealed, Uncounteds, WindowContent } from '../frame.ts'
import type { Pending, PendingQuery } from '../pending.ts'
import type { OutboxStats } from '../stats.ts'
import { type JournalConfig, openBooks } from './books.ts'
import { isOutOfSpace, transact } from './commit.ts'
import { createCompaction } from './compaction.ts'
import { growLog, openFile } from './file.ts'
import { createIntake, type SealOptions, type Written } from './intake.ts'
import { createLogSync, type LogSync } from './log-sync.ts'
import { createOutgoing } from './outgoing.ts'
import { positionOf } from './position.ts'
import { giveUpBallast } from './room.ts'
import { createUpkeep, type Moment, type Settled } from './upkeep.ts'

export type { JournalConfig } from './books.ts'
export type { Written } from './intake.ts'
export type { Moment, Settled } from './upkeep.ts'

export interface Opened {
  epoch: string
  /** Positions from here on are not taken. */
  floor: number
}

/** What is known without the main thread's part. */
export type JournalStats = Pick<
  OutboxStats,
  'epoch' | 'batches' | 'readings' | 'newest' | 'oldestAt' | 'bytes' | 'sources'
>

/** The outbox's database and what belongs to it, synchronously: lives in a thread. */
export type Journal = {
  opened(): Opened
  seal(content: WindowContent, options: SealOptions): Sealed
  /** Undefined, and nothing done, when the epoch is no longer the current one. */
  write(epoch: string, seqs: readonly number[], uncounteds?: Uncounteds): Written | undefined
  adopt(adopted: Adopted, now: number): Written
  pending(query: PendingQuery): Pending[]
  acknowledge(epoch: string, ranges: readonly Range[]): number
  /** Returns the number of readings that this took off. */
  reject(epoch: string, ranges: readonly Range[]): number
  pendingGaps(limit: number): GapReport | undefined
  acknowledgeGaps(ledger: string, ranges: readonly Range[]): void
  gaps(query: { before?: number; limit: number }): Gap[]
  prove(proof: Proof): void
  settle(moment: Moment, uncounteds?: Uncounteds): Settled
  /** A short piece of work on an old backlog; true when there may be more. */
  compact(now: number): boolean
  /** Makes the log as long as it will become; later calls change nothing. */
  growLog(): void
  stats(): JournalStats
}

export interface OpenJournal {
  methods: Journal
  close(): void
}

/** Failures of SQLite come as `OutboxCorrupt`, `OutboxFull` and `OutboxUnwritable`. */
export function openJournal(config: JournalConfig, now: () => number): OpenJournal {
  return namingFailures(() => {
    try {
      return open(config, now)
    } catch (error) {
      if (!(isOutOfSpace(error) && giveUpBallast(config.path))) throw error
      return open(config, now)
    }
  })
}

function open(config: JournalConfig, now: () => number): OpenJournal {
  const db = openFile(config.path)
  const log = createLogSync(db)
  try {
    const books = db.transaction(() => openBooks(db, config)).immediate()
    log.sync()
    books.room.look()
    const upkeep = createUpkeep(books)
    return {
      methods: lasting(methodsOf(books, upkeep), log),
      close() {
        upkeep.close(now())
        log.close()
        db.close()
      },
    }
  } catch (error) {
    log.close()
    db.close()
    throw error
  }
}

function methodsOf(books: ReturnType<typeof openBooks>, upkeep: ReturnType<typeof createUpkeep>): Journal {
  const { epochs, ledger, proofs, epochRows } = books
  const outgoing = createOutgoing(books)
  const compact = createCompaction(books)
  return {
    ...createIntake(books),
    ...outgoing,
    compact,
    opened: () => ({ epoch: epochs.current.name, floor: epochs.current.id }),
    settle: upkeep.settle,
    pendingGaps: (limit) => transact(books, () => ledger.waiting(limit)),
    acknowledgeGaps(name, ranges) {
      if (name === ledger.name) transact(books, () => ledger.acknowledge(ranges))
    },
    gaps: ({ before = Number.MAX_SAFE_INTEGER, limit }) => ledger.below(before, limit),
    prove(proof) {
      transact(books, () => {
        proofs.save(epochs.current.boot, proof)
        epochRows.prove(epochs.current.id, books.nextSeq)
      })
      books.proof = proof
    },
    growLog: () => growLog(books.db),
    stats() {
      const { oldestAt, ...count } = upkeep.count()
      const oldest = oldestAt === undefined ? {} : { oldestAt }
      const newest = positionOf(epochs.current.id, books.nextSeq - 1)
      return { epoch: epochs.current.name, newest, ...count, ...oldest, sources: books.accounts.all() }
    },
  }
}

/** What a method has changed is on disk when it returns; what failed has its name. */
function lasting(journal: Journal, log: LogSync): Journal {
  const entries = Object.entries(journal).map(([name, method]) => [
    name,
    (...args: never[]) =>
      namingFailures(() => {
        const result = (method as (...given: never[]) => unknown)(...args)
        log.sync()
        return result
      }),
  ])
  return Object.fromEntries(entries) as Journal
}
