import type { Database } from '../../core/sqlite.ts'
import { bytesOf, type chunkTable, idOf } from './tables.ts'

/** Contents that no token names any more. Those that are still being read wait for their readers. */
export interface Rubbish {
  /** Once for each reader. */
  hold(content: string): void
  release(content: string): void
  throwAway(content: string): void
  /** Does a small part of the work; true while there is more. */
  tidy(): boolean
}

/** So little at a time that nobody waits long for the thread. */
const chunksAtOnce = 32
const pagesAtOnce = 256
/** Free pages are kept for what comes, unless they are as many as this part of the file. */
const freeShare = 1 / 4

export function createRubbish(db: Database, chunks: ReturnType<typeof chunkTable>): Rubbish {
  /** What an upload left when the process died is found here. */
  const thrownAway = new Set(chunks.unnamed().map(idOf))
  const readers = new Map<string, number>()

  const next = (): string | undefined => [...thrownAway].find((content) => !readers.has(content))

  let isShrunk = false
  const shrink = (): boolean => {
    const pages = db.pragma('page_count', { simple: true }) as number
    const free = db.pragma('freelist_count', { simple: true }) as number
    const isMuch = free >= pagesAtOnce && free >= pages * freeShare
    if (isMuch) db.pragma(`incremental_vacuum(${pagesAtOnce})`)
    else if (isShrunk) db.pragma('wal_checkpoint(TRUNCATE)') // only then the files are smaller
    isShrunk = isMuch
    return isMuch
  }

  return {
    hold: (content) => void readers.set(content, (readers.get(content) ?? 0) + 1),
    release(content) {
      const left = (readers.get(content) ?? 0) - 1
      if (left > 0) readers.set(content, left)
      else readers.delete(content)
    },
    throwAway: (content) => void thrownAway.add(content),
    tidy() {
      const content = next()
      if (content === undefined) return shrink()
      if (chunks.removeSome(bytesOf(content), chunksAtOnce) < chunksAtOnce) thrownAway.delete(content)
      return true
    },
  }
}
