import { access } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { RemoteError } from '../../core/errors.ts'
import { moveIfExists } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { openThread, type Thread, threadUrl } from '../../core/thread.ts'
import { outboxCorrupt } from './errors.ts'
import type { OutboxThread, OutboxThreadData } from './thread.ts'

export interface Store extends Thread<OutboxThread> {
  /**
   * Moves the database to `path` and begins a new one, with a new epoch. Does nothing when there is a
   * file already: a power cut may have come between the move and the note of it.
   */
  setAside(path: string): Promise<void>
}

/**
 * The thread, with corruption dealt with wherever it shows: found at open, the file is set aside and a
 * new one begins; found later, it is set aside and `died` rejects, so that the process starts anew.
 */
export async function openStore(
  { clock, random, log }: { clock: Clock; random: Random; log: Logger },
  { path, boot }: { path: string; boot: string },
): Promise<Store> {
  const open = () => {
    const data: OutboxThreadData = { path, boot, epoch: random.bytes(8).toString('hex') }
    return openThread<OutboxThread>(threadUrl('thread', import.meta.url), data)
  }
  const quarantine = async (err: unknown) => {
    const aside = `${path}.corrupt-${new Date(clock.now()).toISOString()}`
    await move(path, aside)
    log.error({ err, aside }, 'outbox is corrupt and was set aside')
  }

  let thread = await open().catch(async (error) => {
    if (!isCorrupt(error)) throw error
    await quarantine(error)
    return open()
  })
  let brokenBy: unknown
  const broken = Promise.withResolvers<never>()
  const died = broken.promise
  died.catch(() => {}) // whoever awaits it sees it; nobody must
  /** While one database is being exchanged for the next, calls wait. */
  let exchange: Promise<void> | undefined
  const watch = (current: Thread<OutboxThread>) =>
    current.died.catch((error) => (exchange ? undefined : broken.reject(error)))
  void watch(thread)

  async function guarded<R>(answer: Promise<R>): Promise<R> {
    try {
      const result = await answer
      if (brokenBy === undefined) return result
    } catch (error) {
      if (brokenBy === undefined && isCorrupt(error)) await breakOff(error)
      throw error
    }
    throw brokenBy // it was done in a file that has been set aside
  }
  async function breakOff(error: unknown): Promise<void> {
    brokenBy = error
    await quarantine(error).catch((err) => log.error({ err }, 'corrupt outbox could not be set aside'))
    broken.reject(error)
  }
  async function exchangeFor(aside: string): Promise<void> {
    await thread[Symbol.asyncDispose]()
    const moved = move(path, aside)
    await moved.catch(() => {}) // collecting goes on, in the same file if need be
    thread = await open()
    void watch(thread)
    await moved
  }

  return {
    died,
    call(method, ...args) {
      const ask = () => guarded(thread.call(method, ...args))
      return exchange ? exchange.then(ask, ask) : ask()
    },
    async setAside(aside) {
      if (await exists(aside)) return
      exchange = exchangeFor(aside)
      try {
        await exchange
      } finally {
        exchange = undefined
      }
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}

const isCorrupt = (error: unknown): boolean => error instanceof RemoteError && error.code === outboxCorrupt

/** Renames the write-ahead log first: cut in between, it must not be replayed into the next database. */
async function move(path: string, aside: string): Promise<void> {
  for (const suffix of ['-wal', '-shm', '']) await moveIfExists(`${path}${suffix}`, `${aside}${suffix}`)
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
