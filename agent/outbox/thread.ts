import { type Database, openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import type { Range } from '../../protocol/ack.ts'
import { type BatchName, encodeBatch } from '../../protocol/batch.ts'
import type { Reading } from '../../protocol/reading.ts'
import { type BatchRow, batchTable } from './batch-table.ts'
import { OutboxCorrupt } from './errors.ts'
import { ledgerTable } from './ledger-table.ts'

/** A committed batch, encoded for ever as it will travel (protocol/batch.ts). */
export interface StoredBatch extends BatchName {
  payload: Uint8Array
  /** Number of readings. */
  count: number
}

export interface OutboxStats {
  epoch: string
  /** Batches and readings that wait for the hub. */
  batches: number
  readings: number
  /** Of the database file. */
  bytes: number
  /** Since this start. */
  committedReadings: number
}

export interface OutboxThreadData {
  path: string
  /** For a new file. */
  epoch: string
}

export type OutboxThread = {
  /** One transaction; when it returns, the readings are on disk. */
  commit(readings: Reading[]): void
  pending(after: number, limit: number): StoredBatch[]
  acknowledge(epoch: string, ranges: readonly Range[]): void
  /** Deletes what was acknowledged and brings the ledger up to date. */
  settle(): void
  stats(): OutboxStats
}

/** A broker on the way may refuse more than 128 KB (AWS IoT Core). */
const maxPayloadBytes = 100_000
const maxBatchReadings = 5000
/** The ledger is brought up to date at the latest after this many batches: they are counted at open. */
const maxUnsettled = 1000
/** More free pages than steady work leaves (2 MB): an outage's backlog has gone, its space may go too. */
const maxFreePages = 4000

serveThread<OutboxThreadData, OutboxThread>(({ path, epoch }) =>
  namingCorruption(() => {
    const db = open(path)
    const store = createStore(db, epoch)
    return {
      methods: {
        commit: (readings) => namingCorruption(() => store.commit(readings)),
        pending: (after, limit) => namingCorruption(() => store.pending(after, limit)),
        acknowledge: (ackEpoch, ranges) => namingCorruption(() => store.acknowledge(ackEpoch, ranges)),
        settle: () => namingCorruption(() => store.settle()),
        stats: () => namingCorruption(() => store.stats()),
      },
      close: () => void db.close(),
    }
  }),
)

/** Small pages and a long write-ahead log that is reused in place: the fewest bytes per commit. */
function open(path: string): Database {
  const db = openDatabase(path, {
    migrations: new URL('./migrations/', import.meta.url),
    pageSize: 512,
    pragmas: ['auto_vacuum = INCREMENTAL'],
  })
  db.pragma('wal_autocheckpoint = 8000')
  return db
}

function createStore(db: Database, newEpoch: string): OutboxThread {
  const batches = batchTable(db)
  const ledgers = ledgerTable(db)
  const { epoch, ...settled } = ledgers.begin(newEpoch)
  const unsettled = batches.tallyFrom(settled.next)

  /** Batches and readings not acknowledged, deleted or not. */
  const waiting = {
    batches: settled.batches + unsettled.batches,
    readings: settled.readings + unsettled.readings,
  }
  let next = unsettled.last === null ? settled.next : unsettled.last + 1
  let settledAt = settled.next
  let committedReadings = 0
  /** Remembered only: an acknowledgement that a crash forgets is given again by the hub. */
  const acknowledged = new Set<number>()

  const addAll = db.transaction((rows: readonly BatchRow[]) => rows.forEach(batches.add))
  const removeAcknowledged = db.transaction(() => {
    acknowledged.forEach(batches.remove)
    ledgers.save({ epoch, next, ...waiting })
  })

  return {
    commit(readings) {
      const rows = encode(readings, epoch, next)
      addAll(rows)
      next += rows.length
      waiting.batches += rows.length
      waiting.readings += readings.length
      committedReadings += readings.length
    },
    pending(after, limit) {
      const found: StoredBatch[] = []
      for (const { seq, readings: count, payload } of batches.above(after)) {
        if (found.length >= limit) break
        if (!acknowledged.has(seq)) found.push({ epoch, seq, count, payload })
      }
      return found
    },
    acknowledge(ackEpoch, ranges) {
      if (ackEpoch !== epoch) return
      for (const { seq, readings } of ranges.flatMap(([from, to]) => batches.between(from, to))) {
        if (acknowledged.has(seq)) continue
        acknowledged.add(seq)
        waiting.batches--
        waiting.readings -= readings
      }
    },
    settle() {
      if (acknowledged.size === 0 && next - settledAt < maxUnsettled) return
      removeAcknowledged()
      acknowledged.clear()
      settledAt = next
      const free = db.pragma('freelist_count', { simple: true }) as number
      if (free > maxFreePages) db.pragma(`incremental_vacuum(${maxFreePages / 2})`)
    },
    stats() {
      const pages = db.pragma('page_count', { simple: true }) as number
      const pageSize = db.pragma('page_size', { simple: true }) as number
      return { epoch, ...waiting, bytes: pages * pageSize, committedReadings }
    },
  }
}

/** As one batch, or halved until each can travel. */
function encode(readings: Reading[], epoch: string, seq: number): BatchRow[] {
  if (readings.length <= maxBatchReadings) {
    const payload = encodeBatch({ epoch, seq, readings })
    if (payload.length <= maxPayloadBytes || readings.length <= 1)
      return [{ seq, readings: readings.length, payload }]
  }
  const middle = Math.ceil(readings.length / 2)
  const first = encode(readings.slice(0, middle), epoch, seq)
  return [...first, ...encode(readings.slice(middle), epoch, seq + first.length)]
}

/** A broken file gets an error of its own, which the other side of the thread can tell from the rest. */
function namingCorruption<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    const { code = '' } = error as { code?: string }
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(code))
      throw new OutboxCorrupt((error as Error).message, { cause: error })
    throw error
  }
}
