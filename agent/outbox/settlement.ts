import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Range } from '../../protocol/ack.ts'
import type { Name } from '../../protocol/message.ts'
import type { Alarms } from '../alarms.ts'
import type { WindowEnd } from './commit-window.ts'
import type { Commits } from './commits.ts'
import { outboxUnwritable } from './errors.ts'
import type { Frame, Sealed, WindowContent } from './frame.ts'
import type { Written } from './journal/index.ts'
import type { Spilling } from './spilling.ts'
import type { Store } from './store.ts'
import type { UncountedLosses } from './uncounted.ts'

/**
 * The frames that are sealed and neither on disk nor acknowledged. They are kept on this side of the
 * thread, so that its death loses none of them.
 */
export interface Settlement {
  /** Seals a window; resolves when all of it is kept, here or by the far side. */
  take(content: WindowContent, end: WindowEnd): Promise<void>
  /** The far side has, or will never take, these. Returns the readings that nobody else knows of. */
  settled(epoch: string, ranges: readonly Range[]): number
  /** The thread of this epoch is dead: what it had not written goes to the next. */
  adopt(epoch: string, boot: string): void
  /** Writes all that waits, now. */
  flush(): void
  /** From here on a failure is final. */
  close(): void
}

export interface SettlementDeps {
  store: Store
  spilling: Spilling
  uncounted: UncountedLosses
  commits: Commits
  clock: Clock
  log: Logger
  alarms: Alarms
  onSealed(readings: number, isGivenOut: boolean): void
  onWritten(written: Written): void
}

interface Waiting {
  epoch: string
  frame: Frame
  /** It is to be written. */
  isDue: boolean
  settled: PromiseWithResolvers<void>
}

const retryMs = 1_000

export function createSettlement(deps: SettlementDeps): Settlement {
  const { store, spilling, uncounted, commits, clock, log, alarms, onSealed, onWritten } = deps
  const waiting = new Set<Waiting>()
  /** Names given out in the current epoch; a dead one's are needed until its frames are written. */
  const names = new Map<string, Name[]>()
  /** Epochs that died, with the start of the box. */
  const dead = new Map<string, string>()
  const closing = new AbortController()
  let isWriting = false

  function end(entry: Waiting, error?: unknown): void {
    if (!waiting.delete(entry)) return
    if (error === undefined) entry.settled.resolve()
    else entry.settled.reject(error)
  }

  function add(epoch: string, frame: Frame): Waiting {
    const entry = { epoch, frame, isDue: false, settled: Promise.withResolvers<void>() }
    entry.settled.promise.catch(() => {}) // whoever appended is told
    waiting.add(entry)
    return entry
  }

  async function seal(content: WindowContent, isGivenOut: boolean): Promise<Sealed> {
    try {
      const sealed = await store.call('seal', content, { isGivenOut })
      const known = names.get(sealed.epoch) ?? []
      names.set(sealed.epoch, known)
      known.push(...sealed.names)
      return sealed
    } catch (error) {
      if (isGivenOut) spilling.failed()
      throw error
    }
  }

  function makeDue(entries: readonly Waiting[]): void {
    for (const entry of entries) entry.isDue = true
    void write()
  }

  /** Writes what the far side has not acknowledged by then. */
  async function waitUntil(deadline: number, entries: readonly Waiting[]): Promise<void> {
    const over = new AbortController()
    void Promise.allSettled(entries.map(({ settled }) => settled.promise)).then(() => over.abort())
    await clock.sleep(deadline - clock.monotonic(), over.signal).catch(() => {})
    const late = entries.filter((entry) => waiting.has(entry) && !entry.isDue)
    if (late.length > 0) spilling.failed()
    makeDue(late)
  }

  /** One write at a time: what becomes due meanwhile shares the next. */
  async function write(): Promise<void> {
    if (isWriting) return
    isWriting = true
    while (isAnythingDue()) {
      commits.due()
      try {
        await writeOnce()
        commits.done()
        alarms.clear(outboxUnwritable)
      } catch (error) {
        await failed(error)
      }
    }
    commits.done()
    isWriting = false
  }

  const isAnythingDue = () => dead.size > 0 || [...waiting].some(({ isDue }) => isDue)

  async function writeOnce(): Promise<void> {
    for (const [epoch, boot] of dead) {
      const entries = [...waiting].filter((entry) => entry.epoch === epoch)
      const frames = entries.map(({ frame }) => frame)
      const adopted = { epoch, boot, names: names.get(epoch) ?? [], frames, closes: true }
      onWritten(await commits.timed(() => store.call('adopt', adopted, clock.now())))
      dead.delete(epoch)
      names.delete(epoch)
      for (const entry of entries) end(entry)
    }
    const epoch = store.epoch()
    const entries = [...waiting].filter((entry) => entry.isDue && entry.epoch === epoch)
    if (entries.length === 0) return
    const losses = uncounted.due()
    const seqs = entries.map(({ frame }) => frame.seq)
    const more = losses ? [losses] : ([] as [])
    const written = await commits.timed(() => store.call('write', epoch, seqs, ...more))
    if (written === undefined) return // that thread is dead
    if (losses) uncounted.done(losses)
    onWritten(written)
    for (const entry of entries) end(entry)
  }

  async function failed(error: unknown): Promise<void> {
    log.warn({ err: error }, 'readings could not be written')
    alarms.raise(outboxUnwritable, `readings cannot be written: ${(error as Error).message}`)
    if (!closing.signal.aborted) await clock.sleep(retryMs, closing.signal).catch(() => {})
    if (!closing.signal.aborted) return
    dead.clear()
    for (const entry of [...waiting]) end(entry, error)
  }

  return {
    async take(content, { deadline }) {
      const isGivenOut = deadline !== undefined
      const sealed = await seal(content, isGivenOut)
      const entries = sealed.frames.map((frame) => add(sealed.epoch, frame))
      const spilled = isGivenOut ? entries.filter(({ frame }) => frame.isProven) : []
      if (isGivenOut && spilled.length === 0) spilling.failed()
      onSealed(sizeOf(content), spilled.length > 0)
      makeDue(entries.filter((entry) => !spilled.includes(entry)))
      if (deadline !== undefined && spilled.length > 0) void waitUntil(deadline, spilled)
      await Promise.all(entries.map(({ settled }) => settled.promise))
    },
    settled(epoch, ranges) {
      let orphaned = 0
      for (const entry of [...waiting]) {
        const { seq } = entry.frame
        if (entry.epoch !== epoch || !ranges.some(([from, to]) => from <= seq && seq <= to)) continue
        if (!entry.isDue) spilling.succeeded()
        if (epoch !== store.epoch()) orphaned += entry.frame.readings
        end(entry)
      }
      return orphaned
    },
    adopt(epoch, boot) {
      dead.set(epoch, boot)
      void write()
    },
    flush: () => makeDue([...waiting]),
    close: () => closing.abort(),
  }
}

const sizeOf = ({ runs }: WindowContent): number =>
  runs.reduce((sum, { readings }) => sum + readings.length, 0)
