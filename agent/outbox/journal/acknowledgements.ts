import type { Runs } from '../../../protocol/columns.ts'
import type { FrameHead } from './frame-table.ts'
import { sizeOf } from './sealing.ts'

/** Readings of one source in a frame. */
export interface Part {
  source: string
  first: number
  readings: number
}

/** What an acknowledgement took off a frame. */
export interface Taken {
  batches: number
  readings: number
  parts: Part[]
}

/**
 * Which kept batches the far side has acknowledged. Remembered only: an acknowledgement that a crash
 * forgets is given again by the hub.
 */
export interface Acknowledgements {
  /** Batches `from` … `to` of a frame, counted from its first; undefined when that is nothing new. */
  mark(head: FrameHead, from: number, to: number): Taken | undefined
  isWhole(position: number): boolean
  /** Batches of the frame that are not acknowledged, as ranges from its first. */
  open(head: Pick<FrameHead, 'position' | 'batches'>): [from: number, to: number][]
  /** What is left of it. */
  left(head: FrameHead): Taken
  /** Frames that may be deleted. */
  whole(): FrameHead[]
  /** The frame is no longer kept. */
  forget(position: number): void
  /** Batches and readings that are acknowledged and still kept. */
  count(): { batches: number; readings: number }
}

interface Marks {
  head: FrameHead
  batches: Set<number>
  readings: number
}

/** `batchesOf` decodes a frame; only needed for those that are acknowledged in parts. */
export function createAcknowledgements({
  batchesOf,
  partsOf,
}: {
  batchesOf(position: number): Runs[]
  partsOf(head: FrameHead): Part[]
}): Acknowledgements {
  const marks = new Map<number, Marks>()
  const whole = new Map<number, FrameHead>()
  const sum = { batches: 0, readings: 0 }

  function markWhole(head: FrameHead): Taken {
    whole.set(head.position, head)
    sum.batches += head.batches
    sum.readings += head.readings
    return { batches: head.batches, readings: head.readings, parts: partsOf(head) }
  }

  function markPart(head: FrameHead, from: number, to: number): Taken {
    const marked = marks.get(head.position) ?? { head, batches: new Set<number>(), readings: 0 }
    const batches = batchesOf(head.position)
    const taken: Taken = { batches: 0, readings: 0, parts: [] }
    for (let k = from; k <= to; k++) {
      if (marked.batches.has(k)) continue
      marked.batches.add(k)
      add(taken, batches[k] ?? [])
    }
    marked.readings += taken.readings
    marks.set(head.position, marked)
    sum.batches += taken.batches
    sum.readings += taken.readings
    if (marked.batches.size === head.batches) {
      marks.delete(head.position)
      whole.set(head.position, head)
    }
    return taken
  }

  return {
    mark(head, from, to) {
      if (whole.has(head.position) || to < from) return undefined
      const isAll = from === 0 && to === head.batches - 1 && !marks.has(head.position)
      const taken = isAll ? markWhole(head) : markPart(head, from, to)
      return taken.batches === 0 ? undefined : taken
    },
    isWhole: (position) => whole.has(position),
    open({ position, batches }) {
      const marked = marks.get(position)?.batches
      if (whole.has(position)) return []
      if (marked === undefined) return [[0, batches - 1]]
      return openRanges(marked, batches)
    },
    left(head) {
      const marked = marks.get(head.position)
      if (whole.has(head.position)) return { batches: 0, readings: 0, parts: [] }
      if (marked === undefined)
        return { batches: head.batches, readings: head.readings, parts: partsOf(head) }
      const left: Taken = { batches: 0, readings: 0, parts: [] }
      for (const [k, batch] of batchesOf(head.position).entries())
        if (!marked.batches.has(k)) add(left, batch)
      return left
    },
    whole: () => [...whole.values()],
    forget(position) {
      const marked = marks.get(position)
      const head = whole.get(position)
      sum.batches -= head?.batches ?? marked?.batches.size ?? 0
      sum.readings -= head?.readings ?? marked?.readings ?? 0
      marks.delete(position)
      whole.delete(position)
    },
    count: () => ({ ...sum }),
  }
}

function add(taken: Taken, batch: Runs): void {
  taken.batches++
  taken.readings += sizeOf(batch)
  for (const { source, first, readings } of batch)
    taken.parts.push({ source, first, readings: readings.length })
}

/** The numbers of 0 … `size - 1` that are not in the set, as ranges. */
function openRanges(taken: ReadonlySet<number>, size: number): [number, number][] {
  const ranges: [number, number][] = []
  for (let k = 0; k < size; k++) {
    if (taken.has(k)) continue
    const last = ranges.at(-1)
    if (last && last[1] === k - 1) last[1] = k
    else ranges.push([k, k])
  }
  return ranges
}
