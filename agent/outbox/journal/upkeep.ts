import { addLosses, type Losses, type Uncounteds } from '../frame.ts'
import type { Books } from './books.ts'
import { transact } from './commit.ts'
import type { FrameHead } from './frame-table.ts'
import { epochAt, positionOf, seqAt } from './position.ts'
import type { Dropped } from './stock.ts'

export interface Moment {
  /** Epoch milliseconds, as far as the box knows. */
  now: number
  monotonic: number
  /** What has waited longer goes; unless told, as configured. */
  maxAgeMs?: number
}

export interface Settled {
  lost: Losses
  isDiskFull: boolean
}

/** The counts are brought up to date at the latest after this many batches: they are made at open. */
const maxUncounted = 1000
/** So long the note that the thread lives may be old. */
const aliveMs = 600_000
/** Looked at or dropped by age in one go, so that no commit waits long. */
const maxAged = 2000
/** More free pages than steady work leaves (2 MB): an outage's backlog has gone, its space may go too. */
const maxFreePages = 4000

export function createUpkeep(books: Books) {
  const { db, config, frames, epochs, epochRows, acknowledgements, stock, room } = books
  let countedUpTo = books.nextSeq
  let aliveAt = config.now

  /** Only a time that is proven makes anything old, and only what was taken at one. */
  function aged({ monotonic, maxAgeMs = config.maxAgeMs }: Moment): { heads: FrameHead[]; next: number } {
    const heads: FrameHead[] = []
    let next = books.ageFrom
    if (maxAgeMs === undefined || books.proof === undefined) return { heads, next }
    const oldest = books.proof.time + monotonic - books.proof.monotonic - maxAgeMs
    const provenFrom = new Map(
      epochRows.all().map((row) => [row.id, row.provenFrom ?? Number.POSITIVE_INFINITY]),
    )
    let looked = 0
    for (const head of frames.heads(next, Number.MAX_SAFE_INTEGER)) {
      const isKnown =
        seqAt(head.position) >= (provenFrom.get(epochAt(head.position)) ?? Number.POSITIVE_INFINITY)
      if ((isKnown && head.since >= oldest) || ++looked > maxAged) break
      if (isKnown) heads.push(head)
      next = head.position + 1
    }
    return { heads, next }
  }

  /** Gives space back once a backlog has gone, never in steady work: each page costs a write. */
  function vacuum(): void {
    const free = db.pragma('freelist_count', { simple: true }) as number
    if (free > maxFreePages) db.pragma(`incremental_vacuum(${maxFreePages / 2})`)
  }

  return {
    /** Deletes what was acknowledged and what is too old, and brings the counts up to date. */
    settle(moment: Moment, uncounteds?: Uncounteds): Settled {
      room.look()
      const whole = acknowledgements.whole()
      const { heads, next } = aged(moment)
      const isAliveDue = Math.abs(moment.now - aliveAt) >= aliveMs
      const mustWrite = whole.length + heads.length > 0 || uncounteds !== undefined || isAliveDue
      let lost: Losses = {}
      if (mustWrite || books.nextSeq - countedUpTo >= maxUncounted) {
        const dropped = transact(books, (): Dropped[] => {
          const result = [stock.drop(whole, 'quota'), stock.drop(heads, 'age')]
          books.count(uncounteds)
          books.saveTally()
          epochRows.live(epochs.current.id, moment.now)
          return result
        })
        lost = dropped.map((each) => stock.committed(each)).reduce(addLosses, {})
        books.hasCounted(uncounteds)
        countedUpTo = books.nextSeq
        aliveAt = moment.now
        if (whole.length + heads.length > 0) transact(books, epochs.collect)
        vacuum()
      }
      books.ageFrom = next
      return { lost, isDiskFull: room.isDiskFull() }
    },

    /** The last thing that is done: nothing is missing of this epoch. */
    close(now: number): void {
      transact(books, () => {
        books.saveTally()
        epochRows.live(epochs.current.id, now)
        if (books.held.size === 0) epochRows.close(epochs.current.id)
      })
    },

    /** Bytes and counts, as they are. */
    count() {
      const onDisk = stock.count()
      const off = acknowledgements.count()
      const held = [...books.held.values()]
      const sum = (of: 'batches' | 'readings') => held.reduce((total, frame) => total + frame[of], 0)
      return {
        batches: onDisk.batches - off.batches + sum('batches'),
        readings: onDisk.readings - off.readings + sum('readings'),
        oldestAt: oldestAt(),
        bytes: room.bytes(),
      }
    },
  }

  function oldestAt(): number | undefined {
    const since = [...books.held.values()].map((frame) => frame.since)
    for (const head of frames.heads(positionOf(0, 0), Number.MAX_SAFE_INTEGER)) {
      if (acknowledgements.isWhole(head.position)) continue
      since.push(head.since)
      break
    }
    return since.length === 0 ? undefined : Math.min(...since)
  }
}
