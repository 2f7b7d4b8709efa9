import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { AuditEntry, Store } from '../store/index.ts'
import type { Describe } from './entry.ts'

export interface NotesDeps {
  store: Pick<Store, 'note'>
  clock: Clock
  log: Logger
  describe: Describe
}

const flushEveryMs = 250
/** Within one interval. */
const maxNotes = 256
/**
 * Strangers can cause these events, and each is written to flash, where the oldest make room for them: of
 * each kind there can be so many at once, and then one a second.
 */
const burst = 256
/** How many went unsaid is an entry, too. */
const tellEveryMs = 60_000

/** Collects what is to be written, and writes it in one commit. */
export function createNotes({ store, clock, log, describe }: NotesDeps) {
  const stopped = new AbortController()
  const hasRoom = createRoom(clock)
  let waiting: AuditEntry[] = []
  let dropped = 0
  let toldAt = Number.NEGATIVE_INFINITY
  let writing: Promise<void> = Promise.resolve()
  let timer: Promise<void> | undefined

  const write = (tellsDropped: boolean): Promise<void> => {
    const batch = waiting
    waiting = []
    if (tellsDropped && dropped > 0) {
      batch.push(describe('entries_dropped', { detail: { count: dropped } }))
      toldAt = clock.monotonic()
      dropped = 0
    }
    if (batch.length === 0) return writing
    writing = writing
      .then(() => store.note(batch))
      .catch((err) => log.error({ err, entries: batch.length }, 'audit entries lost'))
    return writing
  }
  const later = async (): Promise<void> => {
    await clock.sleep(flushEveryMs, stopped.signal).catch(() => {}) // stopped: at once
    timer = undefined
    await write(clock.monotonic() - toldAt >= tellEveryMs)
    if (dropped > 0 && !stopped.signal.aborted) timer ??= later()
  }

  return {
    add(entry: AuditEntry): void {
      const isStrangers = entry.actor === undefined
      if (waiting.length >= maxNotes || (isStrangers && !hasRoom(entry.type))) dropped++
      else waiting.push(entry)
      timer ??= later()
    },
    flush: () => write(true),
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await timer
      await write(true)
    },
  }
}

/** Whether there is room for one more of a kind. */
function createRoom(clock: Pick<Clock, 'monotonic'>): (type: string) => boolean {
  const kinds = new Map<string, { used: number; at: number }>()
  return (type) => {
    const now = clock.monotonic()
    const known = kinds.get(type) ?? { used: 0, at: now }
    const used = Math.max(0, known.used - (now - known.at) / 1000)
    const isRoom = used + 1 <= burst
    kinds.set(type, { used: isRoom ? used + 1 : used, at: now })
    return isRoom
  }
}
