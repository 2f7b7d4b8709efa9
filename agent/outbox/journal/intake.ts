import { OutboxFull } from '../errors.ts'
import type { Adopted, Losses, Sealed, Uncounteds, WindowContent } from '../frame.ts'
import type { Books, Held } from './books.ts'
import { commitFilling, pagesFor, transact } from './commit.ts'
import type { FrameRow } from './frame-table.ts'
import { positionOf } from './position.ts'
import { sealWindow } from './sealing.ts'

export interface Written {
  /** Readings that are on disk from now on. */
  readings: number
  /** What was dropped for them. */
  lost: Losses
  /** The disk is full, and not for the outbox's own quota. */
  isDiskFull: boolean
}

export interface SealOptions {
  /** It may be given out from memory. */
  isGivenOut: boolean
}

export function createIntake(books: Books) {
  const { epochs, accounts, stock, room, held, config } = books

  /** A refused window gets no numbers, so it is refused here or never. */
  function checkRoom(frames: readonly Held[]): void {
    const mayBeRefused =
      config.whenFull === 'refuse_new' && frames.some(({ priority }) => priority === 'telemetry')
    const needed = pagesFor([...held.values(), ...frames]) + pagesFor([])
    if (!mayBeRefused || room.freePages() >= needed) return
    removeAcknowledged()
    if (room.freePages() < needed) throw new OutboxFull('the outbox is full and refuses telemetry')
  }

  function removeAcknowledged(): void {
    const whole = books.acknowledgements.whole()
    if (whole.length === 0) return
    const dropped = transact(books, () => {
      const result = stock.drop(whole, 'quota')
      books.saveTally()
      return result
    })
    stock.committed(dropped)
  }

  function written(rows: readonly FrameRow[], rest: Omit<Written, 'readings' | 'isDiskFull'>): Written {
    const readings = rows.reduce((sum, row) => sum + row.readings, 0)
    return { readings, ...rest, isDiskFull: room.isDiskFull() }
  }

  return {
    /** Names and encodes a window, in memory. */
    seal(content: WindowContent, { isGivenOut }: SealOptions): Sealed {
      const sealed = sealWindow(content, {
        seq: books.nextSeq,
        boot: config.boot,
        nextOf: accounts.nextOf,
        aliasOf: epochs.aliasOf,
      })
      // Times that may still be corrected are not given out from memory: the disk would not know which were.
      const frames = sealed.map((frame) => ({ ...frame, isGivenOut: isGivenOut && frame.isProven }))
      checkRoom(frames)
      for (const { source, readings } of content.runs) accounts.take(source, readings.length)
      for (const frame of frames) held.set(frame.seq, frame)
      books.nextSeq += frames.length
      return { epoch: epochs.current.name, frames: sealed, names: epochs.takeNewNames() }
    },

    /** Writes what is held of these. One transaction; when it returns, they are on disk. */
    write(epoch: string, seqs: readonly number[], uncounteds?: Uncounteds): Written | undefined {
      if (epoch !== epochs.current.name) return undefined
      const frames = seqs.map((seq) => held.get(seq)).filter((frame) => frame !== undefined)
      const rows = frames.map((frame) => toRow(epochs.current.id, frame))
      const mayDrop = config.whenFull === 'drop_oldest' || frames.some(({ priority }) => priority === 'event')
      const { dropped } = commitFilling(books, pagesFor(frames), {
        mayDrop,
        run() {
          epochs.saveNames()
          stock.add(rows)
          books.count(uncounteds)
        },
      })
      epochs.namesSaved()
      books.hasCounted(uncounteds)
      for (const { seq } of frames) held.delete(seq)
      return written(rows, { lost: stock.committed(dropped) })
    },

    /** Takes in frames of another epoch. What is there already stays as it is. */
    adopt({ epoch: name, boot, names, frames, closes, brokeAt }: Adopted, now: number): Written {
      let rows: FrameRow[] = []
      const mayDrop = config.whenFull === 'drop_oldest' || frames.some(({ priority }) => priority === 'event')
      const { dropped } = commitFilling(books, pagesFor(frames), {
        mayDrop,
        run() {
          const epoch = epochs.named(name) ?? epochs.adopt(name, boot, now)
          epochs.addNames(epoch.id, names)
          rows = stock.add(frames.map((frame) => toRow(epoch.id, frame)).filter(isNew))
          if (closes) books.epochRows.close(epoch.id)
          if (brokeAt !== undefined)
            books.ledger.add([
              { epoch: name, reason: 'quarantine', since: Math.min(brokeAt, now), until: now },
            ])
          books.saveTally()
        },
      })
      books.dropFrom = 0
      books.compactFrom = 0
      return written(rows, { lost: stock.committed(dropped) })
    },
  }

  function isNew({ position }: FrameRow): boolean {
    const before = books.frames.headAtOrBelow(position)
    return before === undefined || before.position + before.batches <= position
  }
}

const toRow = (
  epoch: number,
  { seq, batches, readings, priority, since, isProven, runs, body }: Omit<Held, 'isGivenOut'>,
): FrameRow => ({
  position: positionOf(epoch, seq),
  ...{ batches, readings, since: Math.round(since), body },
  priority: priority === 'event' ? 1 : 0,
  unproven: isProven ? 0 : 1,
  runs: JSON.stringify(runs),
})
