import { stat } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { RemoteError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { openThread, type Thread, threadUrl } from '../../core/thread.ts'
import type { Proof } from '../time/guard.ts'
import { isCorrupt, OutboxUnwritable, outboxFull, outboxUnwritable } from './errors.ts'
import type { Journal, JournalConfig } from './journal/index.ts'
import { clearRemnants, quarantine, unsalvaged } from './quarantine.ts'

/** One life of the journal's thread. */
export interface Life {
  thread: Thread<Journal>
  epoch: string
  floor: number
  openedAt: number
  /** Set when this one has ended. */
  next?: Promise<Life>
}

/** Begins lives, in whatever state files and disk are. */
export interface Lives {
  /** As soon as the file can be opened; a broken one is set aside, and a new one begun. */
  begin(beginning: Beginning): Promise<Life>
  /** Sets the file of a life aside, which has broken in use. */
  setBrokenAside(error: unknown, former: Pick<Life, 'epoch' | 'openedAt'>): Promise<void>
  /** Rejects with the reason once the file cannot be opened. Never resolves. */
  shut(): Promise<never>
  /** From here on the first failure is final. */
  stopTrying(): void
}

export interface LivesDeps {
  clock: Clock
  random: Random
  log: Logger
  openThread?: typeof openThread | undefined
  /** What a new thread has to know of the time. */
  proof(): Proof | undefined
  /** A broken database has been set aside. */
  onQuarantined(aside: string): void
  /** The file cannot be opened now; it is tried again by itself. */
  onShut(reason: Error): void
  onOpened(): void
}

export type StoreConfig = Pick<
  JournalConfig,
  'path' | 'boot' | 'maxBytes' | 'ballastBytes' | 'whenFull' | 'maxAgeMs'
>

type Beginning = Pick<JournalConfig, 'isSuccessor' | 'floor'>

const retryMs = 1_000
/** In the ledger: of a broken file it is not known which epochs it held. */
const unknownEpoch = '0'.repeat(16)

export function createLives(deps: LivesDeps, config: StoreConfig): Lives {
  const { clock, random, log, proof, onQuarantined, onShut, onOpened, openThread: start = openThread } = deps
  const { path } = config
  const newName = () => random.bytes(8).toString('hex')
  const closing = new AbortController()
  let trouble = promiseOfTrouble()
  let quarantined: JournalConfig['quarantined']

  async function open(beginning: Beginning): Promise<Life> {
    await clearRemnants(path)
    const now = clock.now()
    const broken = quarantined ?? (await leftBehind())
    const data: JournalConfig = {
      ...{ ...config, ...beginning, epoch: newName(), ledger: newName(), now },
      ...(broken === undefined ? {} : { quarantined: broken }),
    }
    const thread = await start<Journal>(threadUrl('thread', import.meta.url), data)
    const { epoch, floor } = await thread.call('opened')
    const known = proof()
    if (known) await thread.call('prove', known)
    quarantined = undefined
    return { thread, epoch, floor, openedAt: now }
  }

  /** Broken files of a process that may have ended before it could say so in the ledger of a new one. */
  async function leftBehind(): Promise<JournalConfig['quarantined']> {
    const newest = (await unsalvaged(path)).at(-1)
    return newest === undefined ? undefined : { epochs: [unknownEpoch], since: await lastWritten(newest) }
  }

  async function lastWritten(file: string): Promise<number> {
    return Math.round((await stat(file).catch(() => undefined))?.mtimeMs ?? clock.now())
  }

  async function setAside(error: unknown, content: NonNullable<JournalConfig['quarantined']>): Promise<void> {
    const aside = await quarantine(path, clock.now())
    quarantined = content
    log.error({ err: error, aside }, 'outbox is corrupt and was set aside')
    onQuarantined(aside)
  }

  async function openOrQuarantine(beginning: Beginning): Promise<Life> {
    try {
      return await open(beginning)
    } catch (error) {
      if (!isCorrupt(error)) throw error
      await setAside(error, { epochs: [unknownEpoch], since: await lastWritten(path) })
      return open(beginning)
    }
  }

  return {
    async begin(beginning) {
      for (;;) {
        try {
          const life = await openOrQuarantine(beginning)
          trouble = promiseOfTrouble()
          onOpened()
          return life
        } catch (error) {
          if (!isTrouble(error) || closing.signal.aborted) throw error
          log.warn({ err: error }, 'outbox cannot be opened')
          onShut(error)
          trouble.reject(
            new OutboxUnwritable(`the outbox cannot be opened: ${error.message}`, { cause: error }),
          )
          await clock.sleep(retryMs, closing.signal).catch(() => {}) // the next failure is final, then
        }
      }
    },
    setBrokenAside: (error, { epoch, openedAt }) => setAside(error, { epochs: [epoch], since: openedAt }),
    shut: () => trouble.promise,
    stopTrying: () => closing.abort(),
  }
}

function promiseOfTrouble(): PromiseWithResolvers<never> {
  const trouble = Promise.withResolvers<never>()
  trouble.promise.catch(() => {}) // whoever asks sees it; nobody must
  return trouble
}

/** The disk or its mount, which somebody can mend; not the file, nor this program. */
function isTrouble(error: unknown): error is Error {
  if (error instanceof RemoteError) return [outboxFull, outboxUnwritable].includes(error.code)
  return /^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '')
}
