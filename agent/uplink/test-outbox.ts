import type { Clock } from '../../core/clock.ts'
import type { Range } from '../../protocol/ack.ts'
import { encodeBody, type Runs } from '../../protocol/columns.ts'
import type { Gap, GapReport } from '../../protocol/gap.ts'
import type { Name } from '../../protocol/message.ts'
import type { Reading } from '../../protocol/reading.ts'
import type { Pending, PendingQuery } from '../outbox/index.ts'
import type { SessionDeps } from './session.ts'

interface Batch {
  position: number
  epoch: string
  seq: number
  runs: Runs
  since: number
  urgent: boolean
}

const epochSpan = 2 ** 30
const ledger = '00000000000000ff'

/** For tests: an outbox in memory, one batch an append, as the uplink sees it. */
export function memoryOutbox(clock: Pick<Clock, 'now'>) {
  let batches: Batch[] = []
  let epochs = 1
  let seq = 0
  let newest = 0
  const numbers = new Map<string, number>()
  const names = new Map<string, Map<string, number>>()
  const listeners: ((urgent: boolean) => void)[] = []
  const rejected: [epoch: string, ranges: readonly Range[]][] = []
  let gaps: Gap[] = []

  const nameOf = (number: number): string => number.toString(16).padStart(16, '0')

  function aliasIn(epoch: string, used: Map<number, string>) {
    const known = names.get(epoch) ?? new Map<string, number>()
    names.set(epoch, known)
    return (text: string): number => {
      const alias = known.get(text) ?? known.size
      known.set(text, alias)
      used.set(alias, text)
      return alias
    }
  }

  function toPending(together: readonly Batch[]): Pending {
    const [first] = together as [Batch]
    const used = new Map<number, string>()
    const body = encodeBody({ batches: together.map(({ runs }) => runs) }, aliasIn(first.epoch, used))
    return {
      epoch: first.epoch,
      seq: first.seq,
      position: first.position,
      count: together.length,
      names: [...used] as Name[],
      body,
      readings: together.flatMap(({ runs }) => runs.flatMap(({ readings }) => readings)).length,
      since: first.since,
      urgent: together.some(({ urgent }) => urgent),
    }
  }

  /** Batches that follow each other in one epoch, as many as fit. */
  function nextMessage(waiting: readonly Batch[], maxBytes: number): { message: Pending; count: number } {
    let count = 1
    let message = toPending(waiting.slice(0, 1))
    for (; count < waiting.length; count++) {
      const [before, batch] = waiting.slice(count - 1, count + 1) as [Batch, Batch]
      if (batch.epoch !== before.epoch || batch.seq !== before.seq + 1) break
      const longer = toPending(waiting.slice(0, count + 1))
      if (longer.body.length > maxBytes) break
      message = longer
    }
    return { message, count }
  }

  const drop = async (epoch: string, ranges: readonly Range[]): Promise<number> => {
    const before = batches
    batches = batches.filter(
      (batch) => batch.epoch !== epoch || !ranges.some(([from, to]) => from <= batch.seq && batch.seq <= to),
    )
    return before.length - batches.length
  }

  const outbox: SessionDeps['outbox'] = {
    async pending({ after, upTo = Number.POSITIVE_INFINITY, limit, maxBytes }: PendingQuery) {
      let waiting = batches.filter(({ position }) => position > after && position <= upTo)
      const messages: Pending[] = []
      while (waiting.length > 0 && messages.length < limit) {
        const { message, count } = nextMessage(waiting, maxBytes)
        messages.push(message)
        waiting = waiting.slice(count)
      }
      return messages
    },
    acknowledge: drop,
    async reject(epoch, ranges) {
      rejected.push([epoch, ranges])
      await drop(epoch, ranges)
    },
    async pendingGaps(limit): Promise<GapReport | undefined> {
      return gaps.length === 0 ? undefined : { ledger, rows: gaps.slice(0, limit) }
    },
    async acknowledgeGaps(named, ranges) {
      if (named !== ledger) return
      gaps = gaps.filter(({ id }) => !ranges.some(([from, to]) => from <= id && id <= to))
    },
    onPending: (listener) => void listeners.push(listener),
    async stats() {
      return {
        ...{ epoch: nameOf(epochs), batches: batches.length, readings: batches.length, newest },
        ...{ bytes: 0, maxBytes: 0, takenIn: 0, written: 0, acknowledged: 0, lost: {}, sources: [] },
      }
    },
  }

  function add(batch: Batch): void {
    batches = [...batches, batch].sort((a, b) => a.position - b.position)
    newest = Math.max(newest, batch.position)
    for (const listener of listeners) listener(batch.urgent)
  }

  return {
    ...outbox,
    rejected,
    waiting: () => batches.length,
    gaps: () => gaps,
    lose(gap: Omit<Gap, 'id'>): void {
      gaps = [...gaps, { ...gap, id: gaps.length + 1 }]
    },
    /** One batch of one source. */
    append(source: string, readings: Reading[], { urgent = false } = {}): { epoch: string; seq: number } {
      const first = (numbers.get(source) ?? 0) + 1
      numbers.set(source, first + readings.length - 1)
      const name = { epoch: nameOf(epochs), seq: ++seq }
      add({
        ...name,
        position: epochs * epochSpan + seq,
        runs: [{ source, first, readings }],
        since: clock.now(),
        urgent,
      })
      return name
    },
    newEpoch(): void {
      epochs++
      seq = 0
      numbers.clear()
    },
    /** What an outbox that broke takes back: an epoch before all others. */
    salvage(seq: number, source: string, readings: Reading[]): { epoch: string; seq: number } {
      const name = { epoch: nameOf(0), seq }
      add({
        ...name,
        position: seq,
        runs: [{ source, first: seq, readings }],
        since: clock.now(),
        urgent: false,
      })
      return name
    },
  }
}
