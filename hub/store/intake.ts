import { Invalid } from '../../core/errors.ts'
import type { Database } from '../../core/sqlite.ts'
import type { Range } from '../../protocol/ack.ts'
import { type Body, decodeBody, type Runs } from '../../protocol/columns.ts'
import { type BatchName, decodeHeader, decodeMessage, type Name } from '../../protocol/message.ts'
import { countIn, holds } from '../ranges.ts'
import { epochTable } from './epoch-table.ts'
import { malformedTable } from './malformed-table.ts'
import { rangeTable } from './range-table.ts'
import type { Entry } from './reading-table.ts'
import { sourceTable } from './source-table.ts'
import type { StoredReadings } from './stored-readings.ts'

export interface Arrival {
  agentId: string
  payload: Uint8Array
  receivedAt: number
}

type Header = BatchName & { count: number }

/**
 * What became of a message: committed, perhaps though it is malformed; without so much as a name; or not
 * committed, since it uses an alias that nobody has told.
 */
export type Outcome =
  | (Header & { readings: number; repeated: number; malformed?: string })
  | { unnamed: string }
  | (Header & { unknownAlias: number })

/** A message that uses an alias which nobody tells is kept aside when it has come so often. */
const maxPatience = 3
const maxImpatient = 1000

/** Takes messages apart; all of a call belongs in one transaction. */
export function createIntake(db: Database, readings: StoredReadings) {
  const epochs = epochTable(db)
  const committed = rangeTable(db, { table: 'committed', key: 'epoch_id' })
  const sources = sourceTable(db)
  const received = rangeTable(db, { table: 'received', key: 'source_id' })
  const malformed = malformedTable(db)
  const unknown = new Map<string, number>()

  function take({ agentId, payload, receivedAt }: Arrival, gathered: Gathered): Outcome {
    const message = decode(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength))
    if ('unnamed' in message) {
      const nameless = { epoch: null, first: null, last: null }
      malformed.add({ ...nameless, agentId, receivedAt, reason: message.unnamed, payload })
      return message
    }
    const { epoch, seq, count } = message
    const range: Range = [seq, seq + count - 1]
    const { id, names } = epochs.find(agentId, epoch)
    const learnt = epochs.learn(agentId, epoch, message.names)
    const fresh = committed.missing(id, range)
    const outcome = { epoch, seq, count, readings: 0, repeated: count - countIn(fresh) }
    if (fresh.length === 0) return outcome
    const read = learnt ? readBody(message, names) : { reason: 'an alias has changed its text' }
    if ('unknownAlias' in read && !isHopeless(agentId, message))
      return { epoch, seq, count, unknownAlias: read.unknownAlias }
    committed.add(id, range)
    if (!('batches' in read)) {
      const reason = 'reason' in read ? read.reason : `nobody has told the alias ${read.unknownAlias}`
      malformed.add({ agentId, epoch, first: seq, last: range[1], receivedAt, reason, payload })
      return { ...outcome, malformed: reason }
    }
    const isFresh = (k: number) => outcome.repeated === 0 || holds(fresh, seq + k)
    const runs = read.batches.filter((_, k) => isFresh(k)).flat()
    for (const run of runs) outcome.readings += run.readings.length
    gathered.add(agentId, runs)
    noteNumbers(id, runs)
    return outcome
  }

  /** Runs of a source that follow each other are one range. */
  function noteNumbers(epochId: number, runs: Runs): void {
    const open = new Map<string, [number, number]>()
    const note = (source: string, range: Range) => received.add(sources.idOf(epochId, source), range)
    for (const { source, first, readings } of runs) {
      if (readings.length === 0) continue
      const last = first + readings.length - 1
      const before = open.get(source)
      if (before && before[1] === first - 1) before[1] = last
      else {
        if (before) note(source, before)
        open.set(source, [first, last])
      }
    }
    for (const [source, range] of open) note(source, range)
  }

  function isHopeless(agentId: string, { epoch, seq }: BatchName): boolean {
    const key = `${agentId} ${epoch} ${seq}`
    const times = (unknown.get(key) ?? 0) + 1
    unknown.delete(key)
    if (times >= maxPatience) return true
    unknown.set(key, times)
    for (const oldest of unknown.keys()) if (unknown.size > maxImpatient) unknown.delete(oldest)
    return false
  }

  return {
    takeAll(arrivals: readonly Arrival[]): Outcome[] {
      const gathered = gather()
      const outcomes = arrivals.map((arrival) => take(arrival, gathered))
      gathered.store(readings)
      return outcomes
    },
    /** A payload of another kind. */
    keepAside(agentId: string, payload: Uint8Array, reason: string, receivedAt: number): void {
      malformed.add({ agentId, epoch: null, first: null, last: null, receivedAt, reason, payload })
    },
    malformed: malformed.tally,
    forget: epochs.forget,
    removeAgent(agentId: string): void {
      epochs.removeAgent(agentId)
      malformed.removeAgent(agentId)
    },
  }
}

/** What arrives together is stored together, by point. */
interface Gathered {
  add(agentId: string, runs: Runs): void
  store(readings: StoredReadings): void
}

function gather(): Gathered {
  const agents = new Map<string, Map<string, Entry[]>>()
  return {
    add(agentId, runs) {
      const points = agents.get(agentId) ?? new Map<string, Entry[]>()
      agents.set(agentId, points)
      for (const { readings } of runs)
        for (const reading of readings) {
          const entries = points.get(reading.point)
          if (entries) entries.push(reading)
          else points.set(reading.point, [reading])
        }
    },
    store(readings) {
      for (const [agentId, points] of agents)
        for (const [point, entries] of points) readings.add(agentId, point, entries)
    },
  }
}

type Decoded = (Header & { names: readonly Name[]; body: Uint8Array | string }) | { unnamed: string }

/** A message whose names are broken has the reason as its body. */
function decode(payload: Buffer): Decoded {
  try {
    return decodeMessage(payload)
  } catch (error) {
    const reason = reasonOf(error)
    try {
      return { ...decodeHeader(payload), names: [], body: reason }
    } catch (nameless) {
      return { unnamed: reasonOf(nameless) }
    }
  }
}

type Read = Body | { reason: string } | { unknownAlias: number }

function readBody(
  { body, count }: { body: Uint8Array | string; count: number },
  names: ReadonlyMap<number, string>,
): Read {
  if (typeof body === 'string') return { reason: body }
  let unknownAlias: number | undefined
  const textOf = (alias: number) => {
    const text = names.get(alias)
    if (text === undefined) unknownAlias = alias
    return text
  }
  try {
    const read = decodeBody(body, textOf)
    if (read.batches.length === count) return read
    return { reason: `${read.batches.length} batches in a message of ${count}` }
  } catch (error) {
    const reason = reasonOf(error)
    return unknownAlias === undefined ? { reason } : { unknownAlias }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Invalid) return error.message
  throw error
}
