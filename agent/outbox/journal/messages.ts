import type { Runs } from '../../../protocol/columns.ts'
import type { Name } from '../../../protocol/message.ts'
import type { Pending, PendingQuery } from '../pending.ts'
import { type Bodies, orUndefined } from './bodies.ts'
import type { Epoch } from './epochs.ts'
import { epochAt, seqAt } from './position.ts'
import { maxReadings, sizeOf } from './sealing.ts'

/** A frame, or batches `from` … `to` of it, counted from its first. */
export interface Piece {
  position: number
  batches: number
  from: number
  to: number
  readings: number
  since: number
  bytes: number
  unproven: boolean
  urgent: boolean
}

export interface MessagesDeps {
  bodies: Bodies
  /** In order of position, from above `after` up to `upTo`. */
  pieces(after: number, upTo: number): Iterable<Piece>
  /** Fixes the readings of these frames for ever. */
  finish(pieces: readonly Piece[]): void
  bodyOf(position: number): Uint8Array
  epochOf(id: number): Epoch
}

/** Puts batches together for the way. */
export function createMessages({ bodies, pieces, finish, bodyOf, epochOf }: MessagesDeps) {
  /** What encoding batches together has lately made of the sum of their sizes. */
  let gain = 1

  function plan({ after, upTo = Number.MAX_SAFE_INTEGER, limit, maxBytes }: PendingQuery): Piece[][] {
    const groups: Group[] = []
    for (const piece of pieces(after, upTo)) {
      const group = groups.at(-1)
      if (group && joins(group, piece, maxBytes / gain)) addTo(group, piece)
      else if (groups.length >= limit) break
      else groups.push({ pieces: [piece], ...measure(piece) })
    }
    return groups.map((group) => group.pieces)
  }

  function build(group: readonly Piece[], maxBytes: number): Pending[] {
    const [first] = group as [Piece]
    const epoch = epochOf(epochAt(first.position))
    const fits = first.bytes <= maxBytes || first.batches === 1
    if (group.length === 1 && isWholeFrame(first) && fits) return [asItIs(epoch, first)]
    const batches = orUndefined(() => group.map((piece) => batchesOf(epoch, piece)))
    if (batches === undefined) return group.map((piece) => asItIs(epoch, piece))
    return encode(epoch, group, batches.flat(), maxBytes)
  }

  /** In halves, when together they are larger than was expected. */
  function encode(epoch: Epoch, group: readonly Piece[], batches: Runs[], maxBytes: number): Pending[] {
    const [first] = group as [Piece]
    const message = bodies.encode(epoch, batches)
    const sum = group.reduce((bytes, piece) => bytes + piece.bytes, 0)
    if (group.length > 1) gain = Math.min(1, 0.7 * gain + (0.33 * message.body.length) / sum)
    if (message.body.length > maxBytes && batches.length > 1)
      return halves(group).flatMap((half) => build(half, maxBytes))
    const readings = batches.reduce((size, batch) => size + sizeOf(batch), 0)
    return [
      toMessage(epoch, group, {
        ...message,
        at: first.position + first.from,
        count: batches.length,
        readings,
      }),
    ]
  }

  function asItIs(epoch: Epoch, piece: Piece): Pending {
    const body = bodyOf(piece.position)
    const { position: at, batches: count, readings } = piece
    return toMessage(epoch, [piece], { body, names: bodies.namesOf(epoch, body), at, count, readings })
  }

  function batchesOf(epoch: Epoch, piece: Piece): Runs[] {
    const batches = bodies.decode(epoch, bodyOf(piece.position))
    return isWholeFrame(piece) ? batches : batches.slice(piece.from, piece.to + 1)
  }

  return (query: PendingQuery): Pending[] => {
    const groups = plan(query)
    const unproven = groups.flat().filter((piece) => piece.unproven)
    if (unproven.length > 0) finish(unproven)
    return groups.flatMap((group) => build(group, query.maxBytes)).slice(0, query.limit)
  }
}

interface Group {
  pieces: Piece[]
  readings: number
  bytes: number
  /** Position after its last batch. */
  next: number
}

const measure = (piece: Piece) => ({
  readings: piece.readings,
  bytes: piece.bytes,
  next: piece.position + piece.to + 1,
})

function joins(group: Group, piece: Piece, maxBytes: number): boolean {
  const { readings, bytes } = measure(piece)
  return (
    group.next === piece.position + piece.from &&
    group.readings + readings <= maxReadings &&
    group.bytes + bytes <= maxBytes &&
    epochAt(piece.position) === epochAt(group.next - 1)
  )
}

function addTo(group: Group, piece: Piece): void {
  const { readings, bytes, next } = measure(piece)
  group.pieces.push(piece)
  group.readings += readings
  group.bytes += bytes
  group.next = next
}

const isWholeFrame = ({ from, to, batches }: Piece): boolean => from === 0 && to === batches - 1

function halves(group: readonly Piece[]): Piece[][] {
  const middle = Math.ceil(group.length / 2)
  if (group.length > 1) return [group.slice(0, middle), group.slice(middle)]
  const [piece] = group as [Piece]
  const last = Math.floor((piece.from + piece.to) / 2)
  return [[{ ...piece, to: last }], [{ ...piece, from: last + 1 }]]
}

interface Content {
  body: Uint8Array
  names: Name[]
  /** Position of its first batch. */
  at: number
  /** Number of batches. */
  count: number
  readings: number
}

function toMessage(epoch: Epoch, group: readonly Piece[], { at, ...content }: Content): Pending {
  return {
    epoch: epoch.name,
    seq: seqAt(at),
    position: at,
    ...content,
    since: Math.min(...group.map(({ since }) => since)),
    urgent: group.some(({ urgent }) => urgent),
  }
}
