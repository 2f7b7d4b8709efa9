import { Invalid } from '../../core/errors.ts'
import { openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import { type BatchName, decodeBatch, decodeBatchName } from '../../protocol/batch.ts'
import type { Reading } from '../../protocol/reading.ts'
import { batchTable } from './batch-table.ts'
import { type MalformedTally, malformedTable } from './malformed-table.ts'
import { pointTable } from './point-table.ts'
import { type Position, type ReadingFilter, readingTable, type StoredReading } from './reading-table.ts'

export interface Arrival {
  agentId: string
  payload: Uint8Array
  receivedAt: number
}

/** What became of an arrival: committed, perhaps though its body is malformed; or not even named. */
export type Outcome =
  | (BatchName & { readings: number; repeated: boolean; malformed?: string })
  | { unnamed: string }

export type StoreThread = {
  /** One transaction for all; when it returns, they are on disk. */
  commit(arrivals: Arrival[]): Outcome[]
  overwrite(agentId: string, readings: Reading[]): void
  page(filter: ReadingFilter, after: Position, limit: number): { reading: StoredReading; at: Position }[]
  malformed(agentId: string): MalformedTally
  removeAgent(agentId: string): void
}

serveThread<{ path: string }, StoreThread>(({ path }) => {
  const db = openDatabase(path, { migrations: new URL('./migrations/', import.meta.url) })
  const points = pointTable(db)
  const batches = batchTable(db)
  const readings = readingTable(db)
  const malformed = malformedTable(db)

  function addReadings(agentId: string, arrived: readonly Reading[], addReading = readings.add): void {
    const rows = new Map<string, number>()
    for (const { point, time, value, quality } of arrived) {
      const row = rows.get(point) ?? points.idOf(agentId, point)
      rows.set(point, row)
      addReading(row, time, value, quality)
    }
  }

  function add({ agentId, payload, receivedAt }: Arrival): Outcome {
    const decoded = decode(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength))
    if ('unnamed' in decoded) {
      malformed.add({ agentId, epoch: null, seq: null, receivedAt, reason: decoded.unnamed, payload })
      return decoded
    }
    const { epoch, seq } = decoded
    const arrived = 'readings' in decoded ? decoded.readings : []
    const outcome = { epoch, seq, readings: arrived.length, repeated: false }
    if (!batches.add({ agentId, epoch, seq, receivedAt, readings: arrived.length }))
      return { ...outcome, repeated: true }
    addReadings(agentId, arrived)
    if (!('reason' in decoded)) return outcome
    malformed.add({ agentId, epoch, seq, receivedAt, reason: decoded.reason, payload })
    return { ...outcome, malformed: decoded.reason }
  }

  return {
    methods: {
      commit: db.transaction((arrivals) => arrivals.map(add)),
      overwrite: db.transaction((agentId, arrived) => addReadings(agentId, arrived, readings.overwrite)),
      page: readings.page,
      malformed: malformed.tally,
      removeAgent: db.transaction((agentId) => {
        for (const table of [readings, points, batches, malformed]) table.removeAgent(agentId)
      }),
    },
    close: () => void db.close(),
  }
})

type Decoded = (BatchName & { readings: Reading[] }) | (BatchName & { reason: string }) | { unnamed: string }

function decode(payload: Buffer): Decoded {
  try {
    return decodeBatch(payload)
  } catch (error) {
    const reason = reasonOf(error)
    try {
      return { ...decodeBatchName(payload), reason }
    } catch (nameless) {
      return { unnamed: reasonOf(nameless) }
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Invalid) return error.message
  throw error
}
