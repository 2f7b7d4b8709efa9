import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { type openThread, ThreadDied } from '../../core/thread.ts'
import type { Proof } from '../time/guard.ts'
import { isCorrupt } from './errors.ts'
import type { Journal } from './journal/index.ts'
import { createLives, type Life, type StoreConfig } from './lives.ts'
import { exists, moveDatabase, moveQuarantined } from './quarantine.ts'

/**
 * The journal in its thread, whatever becomes of that: a thread that dies is restarted, a database that
 * breaks is set aside, one that cannot be opened is waited for, and calls that were under way are made
 * again.
 */
export interface Store extends AsyncDisposable {
  call<K extends keyof Journal & string>(
    method: K,
    ...args: Parameters<Journal[K]>
  ): Promise<ReturnType<Journal[K]>>
  /** Likewise, but rejects with `OutboxUnwritable` while the database cannot be opened. */
  ask: Store['call']
  /** The current epoch; the last one while there is none. */
  epoch(): string
  /** What waits for a database that cannot be opened fails from here on. */
  stopWaiting(): void
  prove(proof: Proof): Promise<void>
  /**
   * Moves the database, and broken ones that it followed, to `path` and begins a new one, with a new
   * epoch. Does nothing when there is a file already: a power cut may have come between the move and the
   * note of it.
   */
  setAside(path: string): Promise<void>
  /** Rejects when no thread can be had any more. Never resolves. */
  readonly died: Promise<never>
}

export interface StoreDeps {
  clock: Clock
  random: Random
  log: Logger
  openThread?: typeof openThread | undefined
  /** The thread of this epoch is dead; the next is there. */
  onReplaced(epoch: string): void
  /** A broken database has been set aside. */
  onQuarantined(aside: string): void
  /** The database cannot be opened now; it is tried again by itself. */
  onShut(reason: Error): void
  onOpened(): void
}

const maxRestarts = 5
const restartsWithinMs = 60_000
const retryMs = 1_000
/** Before the first. */
const noEpoch = '0'.repeat(16)

/** Resolves when the database is open, or is known not to be openable for now. */
export async function openStore(deps: StoreDeps, config: StoreConfig): Promise<Store> {
  const { clock, log, onReplaced } = deps
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {}) // whoever awaits it sees it; nobody must
  const restarts: number[] = []
  const lives = createLives({ ...deps, proof: () => proof }, config)
  let proof: Proof | undefined
  let last: Life | undefined
  let isEnding = false
  let isClosing = false

  async function begin(beginning: Parameters<typeof lives.begin>[0]): Promise<Life> {
    const life = await lives.begin(beginning)
    life.thread.died.catch((error) => (isClosing ? undefined : replace(life, error).catch(() => {})))
    last = life
    return life
  }

  /** Once a life: the thread is dead, or its database broken. */
  function replace(life: Life, error: unknown): Promise<Life> {
    if (life.next) return life.next
    life.next = succeed(life, error)
    current = life.next
    current.catch((reason) => broken.reject(reason))
    return current
  }

  async function succeed(life: Life, error: unknown): Promise<Life> {
    log.error({ err: error, epoch: life.epoch }, 'outbox thread is replaced')
    if (isCorrupt(error)) {
      await life.thread[Symbol.asyncDispose]()
      // What fails now is tried again when the file is opened and found broken.
      await lives.setBrokenAside(error, life).catch((err) => log.error({ err }, 'outbox not set aside'))
    }
    const next = await restart(life)
    onReplaced(life.epoch)
    return next
  }

  async function restart({ floor }: Life): Promise<Life> {
    for (;;) {
      const now = clock.monotonic()
      while (restarts[0] !== undefined && now - restarts[0] > restartsWithinMs) restarts.shift()
      if (restarts.length >= maxRestarts)
        throw new ThreadDied(`the outbox thread ended ${maxRestarts} times within a minute`)
      restarts.push(now)
      try {
        return await begin({ isSuccessor: true, floor })
      } catch (error) {
        if (isEnding) throw error
        log.error({ err: error }, 'outbox thread does not start')
        await clock.sleep(retryMs)
      }
    }
  }

  let current = begin({ isSuccessor: false, floor: 0 })
  current.catch((reason) => broken.reject(reason))
  await Promise.race([current, lives.shut().catch(() => {})])

  /** Collecting goes on in any case, in the same file if it cannot be moved. */
  async function exchange(life: Life, aside: string): Promise<{ next: Life; failure?: unknown }> {
    await life.thread[Symbol.asyncDispose]()
    let failure: unknown
    try {
      await moveQuarantined(config.path, aside)
      await moveDatabase(config.path, aside)
    } catch (error) {
      failure = error
    }
    return { next: await restart(life), failure }
  }

  const store: Store = {
    died: broken.promise,
    async call(method, ...args) {
      for (;;) {
        const life = await current
        try {
          const result = await life.thread.call(method, ...args)
          if (life.next === undefined || isClosing) return result as never
        } catch (error) {
          const isOver = isCorrupt(error) || error instanceof ThreadDied || life.next !== undefined
          if (!isOver || isClosing) throw error
          await replace(life, error)
        }
      }
    },
    async ask(method, ...args) {
      await Promise.race([current, lives.shut()])
      return store.call(method, ...args)
    },
    epoch: () => last?.epoch ?? noEpoch,
    stopWaiting() {
      isEnding = true
      lives.stopTrying()
    },
    async prove(known) {
      proof = known
      await store.call('prove', known)
    },
    async setAside(aside) {
      if (await exists(aside)) return
      const life = await Promise.race([current, lives.shut()])
      const exchanged = exchange(life, aside)
      life.next = exchanged.then(({ next }) => next)
      current = life.next
      current.catch((reason) => broken.reject(reason))
      const { failure } = await exchanged
      if (failure !== undefined) throw failure
    },
    async [Symbol.asyncDispose]() {
      isClosing = true
      const life = await current.catch(() => undefined)
      await life?.thread[Symbol.asyncDispose]()
    },
  }
  return store
}
