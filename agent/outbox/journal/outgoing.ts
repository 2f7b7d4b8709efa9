import type { Range } from '../../../protocol/ack.ts'
import type { Runs } from '../../../protocol/columns.ts'
import type { Losses } from '../frame.ts'
import type { Taken } from './acknowledgements.ts'
import type { Books, Held } from './books.ts'
import { transact } from './commit.ts'
import type { Epoch } from './epochs.ts'
import type { FrameHead, FrameRow } from './frame-table.ts'
import { createMessages, type Piece } from './messages.ts'
import { positionOf } from './position.ts'
import { sizeOf } from './sealing.ts'
import { lossOf } from './stock.ts'

/** What goes to the far side, and what it says of it. */
export function createOutgoing(books: Books) {
  const { frames, epochs, bodies, held, acknowledgements, accounts, stock, ledger } = books

  const pending = createMessages({
    bodies,
    pieces,
    finish: (unproven) => transact(books, () => unproven.forEach(finish)),
    bodyOf: (position) => frames.body(position) ?? (heldAt(position) as Held).body,
    epochOf: (id) => epochs.byId(id) as Epoch,
  })

  /** The last time that its readings change: from here on it may have been sent. */
  function finish({ position }: Piece): void {
    const epoch = books.epochOf(position)
    const body = frames.body(position) as Buffer
    frames.rewrite(position, bodies.corrected(epoch, body, books.proofs.of(epoch.boot)) ?? body)
  }

  const heldAt = (position: number): Held | undefined =>
    [...held.values()].find(({ seq }) => positionOf(epochs.current.id, seq) === position)

  /** On disk and in memory, in one order. */
  function* pieces(after: number, upTo: number): Iterable<Piece> {
    const waiting = [...held.values()]
      .filter(({ isGivenOut }) => isGivenOut)
      .map((frame) => heldPiece(epochs.current, frame))
      .filter(({ position }) => position > after && position <= upTo)
      .sort((a, b) => a.position - b.position)
    for (const head of spanning(after + 1, upTo)) {
      while (waiting[0] && waiting[0].position < head.position) yield waiting.shift() as Piece
      for (const [from, to] of acknowledgements.open(head)) {
        const clipped = [
          Math.max(from, after + 1 - head.position),
          Math.min(to, upTo - head.position),
        ] as const
        if (clipped[0] <= clipped[1]) yield pieceOf(head, ...clipped)
      }
    }
    yield* waiting
  }

  /** Frames that hold one of these positions. */
  function* spanning(first: number, last: number): Iterable<FrameHead> {
    const before = frames.headAtOrBelow(first)
    if (before && before.position < first && first < before.position + before.batches) yield before
    yield* frames.heads(first, last)
  }

  function acknowledgeHeld(from: number, to: number): number {
    let readings = 0
    for (const frame of [...held.values()].filter(({ seq }) => from <= seq && seq <= to)) {
      held.delete(frame.seq)
      readings += frame.readings
      for (const part of books.partsOf(epochs.current, frame.runs))
        accounts.deliver(part.source, part.readings)
    }
    return readings
  }

  function acknowledgeKept(epoch: Epoch, first: number, last: number): number {
    let readings = 0
    for (const head of spanning(first, last)) {
      const from = Math.max(0, first - head.position)
      const taken = acknowledgements.mark(head, from, Math.min(head.batches - 1, last - head.position))
      if (taken === undefined) continue
      readings += taken.readings
      if (epoch.id === epochs.current.id)
        for (const part of taken.parts) accounts.deliver(part.source, part.readings)
    }
    return readings
  }

  /** Of a frame on disk: what is rejected now, and the rest of it in frames of its own. */
  function carve(head: FrameHead, first: number, last: number): { rejected: Taken; rest: FrameRow[] } {
    const epoch = books.epochOf(head.position)
    const isRejected = (k: number) => first <= head.position + k && head.position + k <= last
    if (isRejected(0) && isRejected(head.batches - 1))
      return { rejected: acknowledgements.left(head), rest: [] }
    const batches = bodies.decode(epoch, frames.body(head.position) as Buffer)
    const open = acknowledgements.open(head).flatMap(([from, to]) => numbersOf(from, to))
    const rejected: Taken = { batches: 0, readings: 0, parts: [] }
    for (const batch of open.filter(isRejected).map((k) => batches[k] as Runs)) {
      rejected.batches++
      rejected.readings += sizeOf(batch)
      for (const { source, first: number, readings } of batch)
        rejected.parts.push({ source, first: number, readings: readings.length })
    }
    const rest = open
      .filter((k) => !isRejected(k))
      .map((k) => rowOf(head, epoch, { k, batch: batches[k] as Runs }))
    return { rejected, rest }
  }

  function rowOf(head: FrameHead, epoch: Epoch, { k, batch }: { k: number; batch: Runs }): FrameRow {
    const aliasOf = epochs.aliasIn(epoch.id)
    const { priority, since, unproven } = head
    return {
      position: head.position + k,
      batches: 1,
      readings: sizeOf(batch),
      ...{ priority, since, unproven },
      runs: JSON.stringify(
        batch.flatMap(({ source, first, readings }) => [aliasOf(source), first, readings.length]),
      ),
      body: bodies.encode(epoch, [batch]).body,
    }
  }

  function rejectKept(first: number, last: number): Losses {
    const heads = [...spanning(first, last)].filter(({ position }) => !acknowledgements.isWhole(position))
    if (heads.length === 0) return {}
    const dropped = transact(books, () => {
      const carved = new Map(heads.map((head) => [head, carve(head, first, last)]))
      const result = stock.drop(heads, 'rejected', (head) => carved.get(head)?.rejected as Taken)
      for (const { rest } of carved.values()) stock.add(rest)
      books.saveTally()
      return result
    })
    return stock.committed(dropped)
  }

  function rejectHeld(from: number, to: number): Losses {
    const rejected = [...held.values()].filter(({ seq }) => from <= seq && seq <= to)
    if (rejected.length === 0) return {}
    const parts = rejected.flatMap(({ runs, since }) =>
      books.partsOf(epochs.current, runs).map((part) => ({ part, since })),
    )
    transact(books, () =>
      ledger.add(
        parts.map(({ part, since }) =>
          lossOf(part, { epoch: epochs.current.name, reason: 'rejected', since, until: since }),
        ),
      ),
    )
    for (const { seq } of rejected) held.delete(seq)
    for (const { part } of parts) accounts.lose(part.source, 'rejected', part.readings)
    return { rejected: parts.reduce((sum, { part }) => sum + part.readings, 0) }
  }

  return {
    pending,
    acknowledge(name: string, ranges: readonly Range[]): number {
      const epoch = epochs.named(name)
      if (epoch === undefined) return 0
      return ranges.reduce((sum, [from, to]) => {
        const inMemory = epoch.id === epochs.current.id ? acknowledgeHeld(from, to) : 0
        return sum + inMemory + acknowledgeKept(epoch, positionOf(epoch.id, from), positionOf(epoch.id, to))
      }, 0)
    },
    reject(name: string, ranges: readonly Range[]): number {
      const epoch = epochs.named(name)
      if (epoch === undefined) return 0
      let readings = 0
      for (const [from, to] of ranges) {
        if (epoch.id === epochs.current.id) readings += rejectHeld(from, to).rejected ?? 0
        readings += rejectKept(positionOf(epoch.id, from), positionOf(epoch.id, to)).rejected ?? 0
      }
      return readings
    },
  }
}

const numbersOf = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, k) => from + k)

const pieceOf = (head: FrameHead, from: number, to: number): Piece => ({
  position: head.position,
  batches: head.batches,
  ...{ from, to },
  readings: head.readings,
  since: head.since,
  bytes: head.bytes,
  unproven: head.unproven === 1,
  urgent: head.priority === 1,
})

const heldPiece = (epoch: Epoch, frame: Held): Piece => ({
  position: positionOf(epoch.id, frame.seq),
  batches: frame.batches,
  from: 0,
  to: frame.batches - 1,
  readings: frame.readings,
  since: frame.since,
  bytes: frame.body.length,
  unproven: false,
  urgent: true,
})
