import { OutboxFull } from '../errors.ts'
import type { Frame } from '../frame.ts'
import type { Books } from './books.ts'
import { pageBytes } from './file.ts'
import type { FrameHead } from './frame-table.ts'
import type { Dropped } from './stock.ts'

/** Dropped at a time, so that a full outbox does not drop with each commit. */
const dropBytes = 256 * 1024
/** What a commit takes besides its frames: inner pages, names, the ledger. */
const sparePages = 100

export const pagesFor = (frames: readonly Pick<Frame, 'body' | 'runs'>[]): number =>
  sparePages +
  frames.reduce((sum, { body, runs }) => sum + Math.ceil((body.length + 12 * runs.length + 60) / 500) + 1, 0)

/**
 * A transaction whose failure leaves the counts as they were. It asks for the right to write first: only
 * then does it wait a while for a foreign process that has it.
 */
export function transact<T>({ db, stock }: Books, run: () => T): T {
  try {
    return db.transaction(run).immediate()
  } catch (error) {
    stock.rolledBack()
    throw error
  }
}

/**
 * Runs a transaction that fills at most so many pages, after making room for them: as the policy says
 * and, when the disk itself is full, within the pages that there are.
 */
export function commitFilling<T>(
  books: Books,
  pages: number,
  { mayDrop, run }: { mayDrop: boolean; run(): T },
): { result: T; dropped: Dropped } {
  const attempt = (needed: number) =>
    transact(books, () => {
      const dropped = makeRoom(books, needed, mayDrop)
      return { result: run(), dropped }
    })
  books.room.prepare()
  for (let retries = 0; ; retries++) {
    try {
      return attempt(pages + retries * sparePages)
    } catch (error) {
      if (!(isOutOfSpace(error) && retries < 3)) throw error
      // With pages to spare it was not the quota.
      if (books.room.freePages() > pages + retries * sparePages) books.room.giveUpBallast()
    }
  }
}

/** What is acknowledged goes first, then telemetry, the oldest first, then events. */
function makeRoom(books: Books, pages: number, mayDrop: boolean): Dropped {
  const { room, stock, acknowledgements } = books
  const dropped: Dropped = { heads: [], lost: [] }
  const drop = (heads: readonly FrameHead[]) => {
    const more = stock.drop(heads, 'quota')
    dropped.heads.push(...more.heads)
    dropped.lost.push(...more.lost)
  }
  if (room.freePages() >= pages) return dropped
  drop(acknowledgements.whole())
  while (room.freePages() < pages) {
    const heads = mayDrop ? oldest(books, pages) : []
    if (heads.length === 0) throw new OutboxFull('the outbox has no space for more readings')
    drop(heads)
  }
  books.saveTally()
  return dropped
}

function oldest({ frames }: Books, pages: number): FrameHead[] {
  const wanted = Math.max(dropBytes, pages * pageBytes)
  for (const priority of [0, 1] as const) {
    const heads: FrameHead[] = []
    let bytes = 0
    for (const head of frames.oldest(0, priority)) {
      heads.push(head)
      bytes += head.bytes + head.runs.length + 20
      if (bytes >= wanted) break
    }
    if (heads.length > 0) return heads
  }
  return []
}

export const isOutOfSpace = (error: unknown): boolean =>
  /^SQLITE_(FULL|IOERR_(WRITE|SHMSIZE|FSYNC|TRUNCATE))/.test((error as { code?: string }).code ?? '')
