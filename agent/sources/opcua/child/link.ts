import type { Clock } from '../../../../core/clock.ts'
import {
  type BrowseAsked,
  type BrowsedNode,
  type Item,
  maxBatch,
  maxBatchesOnTheWay,
  type Opening,
  type Subscribed,
  type ToParent,
  type WireValue,
} from '../messages.ts'
import { browse } from './browsing.ts'
import { type Connection, openConnection } from './connection.ts'
import { readItems } from './reading.ts'
import { type Watching, watch } from './watching.ts'

/** What one data source has with its server. */
export interface Link {
  open(opening: Opening): Promise<void>
  subscribe(publishingMs: number, items: Item[]): Promise<Subscribed>
  read(items: Item[], at?: number[]): Promise<WireValue[]>
  browse(asked: BrowseAsked): Promise<BrowsedNode>
  kept(count: number): void
  /** Never rejects. */
  close(): Promise<void>
}

export function createLink(
  { clock, tell }: { clock: Clock; tell(message: ToParent): void },
  id: number,
): Link {
  let connection: Connection | undefined
  let watching: Watching | undefined
  let isClosed = false
  let waiting: WireValue[] = []
  let onTheWay = 0

  const lost = (fault: Parameters<Parameters<typeof openConnection>[2]>[0]) => {
    if (!isClosed) tell({ link: id, lost: fault })
  }
  const session = () => {
    if (!connection) throw new Error('there is no connection')
    return connection.session
  }

  /** As much as may be on the way; the rest waits, and nothing more is asked for. */
  function flush(): void {
    while (waiting.length > 0 && onTheWay < maxBatchesOnTheWay) {
      onTheWay++
      tell({ link: id, values: waiting.splice(0, maxBatch) })
    }
    watching?.pause(waiting.length > 0)
  }

  return {
    async open(opening) {
      const opened = await openConnection(clock, opening, lost)
      if (isClosed) await opened.close()
      else connection = opened
    },
    async subscribe(publishingMs, items) {
      watching = await watch({ clock, session: session() }, publishingMs, items, {
        values(values) {
          if (isClosed) return
          waiting.push(...values)
          flush()
        },
        granted: (granted) => tell({ link: id, granted }),
        lost,
      })
      const { refused, notes, ranges } = watching.subscribed
      return { notes, ranges, ...(refused === undefined ? {} : { refused }) }
    },
    read: (items, at) => readItems(session(), items, at ?? items.map((_, item) => item)),
    browse: (asked) => browse(session(), asked),
    kept(count) {
      onTheWay -= count
      flush()
    },
    async close() {
      isClosed = true
      watching?.stop()
      waiting = []
      await connection?.close()
    },
  }
}
