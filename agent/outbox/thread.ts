import { Invalid } from '../../core/errors.ts'
import { type Database, openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import type { Range } from '../../protocol/ack.ts'
import { type BatchName, decodeBatch, encodeBatch } from '../../protocol/batch.ts'
import type { Reading } from '../../protocol/reading.ts'
import { correct } from '../time/correct.ts'
import type { Proof } from '../time/guard.ts'
import { type BatchRow, batchTable } from './batch-table.ts'
import { OutboxCorrupt } from './errors.ts'
import { ledgerTable } from './ledger-table.ts'
import { proofTable } from './proof-table.ts'
import { unprovenTable } from './unproven-table.ts'

/** A committed batch, encoded for ever as it travels (protocol/batch.ts). */
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
  /** This start of the box. */
  boot: string
}

export type OutboxThread = {
  /** One transaction; when it returns, the readings are on disk. */
  commit(readings: Reading[]): void
  pending(after: number, limit: number): StoredBatch[]
  acknowledge(epoch: string, ranges: readonly Range[]): void
  /** What is now known of the time in this start of the box. */
  prove(proof: Proof): void
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

serveThread<OutboxThreadData, OutboxThread>(({ path, epoch, boot }) =>
  namingCorruption(() => {
    const db = open(path)
    const store = createStore(db, { epoch, boot })
    return {
      methods: {
        commit: (readings) => namingCorruption(() => store.commit(readings)),
        pending: (after, limit) => namingCorruption(() => store.pending(after, limit)),
        acknowledge: (ackEpoch, ranges) => namingCorruption(() => store.acknowledge(ackEpoch, ranges)),
        prove: (proof) => namingCorruption(() => store.prove(proof)),
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

function createStore(db: Database, { boot, ...given }: { epoch: string; boot: string }): OutboxThread {
  const batches = batchTable(db)
  const unproven = unprovenTable(db)
  const proofs = proofTable(db)
  const ledgers = ledgerTable(db)
  const { epoch, ...settled } = ledgers.begin(given.epoch)
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

  const addAll = db.transaction((added: readonly EncodedBatch[]) => {
    for (const { isProven, ...row } of added) {
      batches.add(row)
      if (!isProven) unproven.add(row.seq)
    }
  })
  const finishAll = db.transaction((rows: readonly BatchRow[]) => rows.map(finish))
  const removeAcknowledged = db.transaction(() => {
    acknowledged.forEach(batches.remove)
    ledgers.save({ epoch, next, ...waiting })
  })

  function corrected(payload: Buffer): Buffer {
    try {
      const batch = decodeBatch(payload)
      const proof = batch.boot === undefined ? undefined : proofs.of(batch.boot)
      return encodeBatch({ ...batch, readings: correct(batch.readings, proof) })
    } catch (error) {
      if (error instanceof Invalid) return payload // the hub sets it aside; here it would stop the others
      throw error
    }
  }

  /** The last time that a batch is encoded: from here on it may have been sent. */
  function finish(row: BatchRow): BatchRow {
    const payload = corrected(row.payload)
    batches.replace({ seq: row.seq, payload })
    unproven.remove(row.seq)
    return { ...row, payload }
  }

  function waitingAbove(after: number, limit: number): BatchRow[] {
    const rows: BatchRow[] = []
    for (const row of batches.above(after)) {
      if (rows.length >= limit) break
      if (!acknowledged.has(row.seq)) rows.push(row)
    }
    return rows
  }

  return {
    commit(readings) {
      const rows = encode(readings, { epoch, seq: next, boot })
      addAll(rows)
      next += rows.length
      waiting.batches += rows.length
      waiting.readings += readings.length
      committedReadings += readings.length
    },
    pending(after, limit) {
      const rows = waitingAbove(after, limit)
      const toFinish = rows.filter(({ seq }) => unproven.has(seq))
      const finished = new Map(toFinish.length > 0 ? finishAll(toFinish).map((row) => [row.seq, row]) : [])
      return rows
        .map((row) => finished.get(row.seq) ?? row)
        .map(({ seq, readings: count, payload }) => ({ epoch, seq, count, payload }))
    },
    prove: db.transaction((proof) => proofs.save(boot, proof)),
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

interface EncodedBatch extends BatchRow {
  /** The time of all its readings is proven, or said by their source. */
  isProven: boolean
}

/** As one batch, or halved until each can travel. */
function encode(readings: Reading[], name: BatchName & { boot: string }): EncodedBatch[] {
  if (readings.length <= maxBatchReadings) {
    const payload = encodeBatch({ ...name, readings })
    const isProven = readings.every(({ monotonic }) => monotonic === undefined)
    if (payload.length <= maxPayloadBytes || readings.length <= 1)
      return [{ seq: name.seq, readings: readings.length, payload, isProven }]
  }
  const middle = Math.ceil(readings.length / 2)
  const first = encode(readings.slice(0, middle), name)
  return [...first, ...encode(readings.slice(middle), { ...name, seq: name.seq + first.length })]
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
