import { rename } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { RemoteError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { openThread, type Thread, threadUrl } from '../../core/thread.ts'
import { outboxCorrupt } from './errors.ts'
import type { OutboxThread, OutboxThreadData } from './thread.ts'

/**
 * The thread, with corruption dealt with wherever it shows: found at open, the file is set aside and a
 * new one begins; found later, it is set aside and `died` rejects, so that the process starts anew.
 */
export async function openStore(
  { clock, random, log }: { clock: Clock; random: Random; log: Logger },
  path: string,
): Promise<Thread<OutboxThread>> {
  const open = () => {
    const data: OutboxThreadData = { path, epoch: random.bytes(8).toString('hex') }
    return openThread<OutboxThread>(threadUrl('thread', import.meta.url), data)
  }
  const quarantine = async (err: unknown) => {
    const aside = await setAside(path, clock.now())
    log.error({ err, aside }, 'outbox is corrupt and was set aside')
  }

  const thread = await open().catch(async (error) => {
    if (!isCorrupt(error)) throw error
    await quarantine(error)
    return open()
  })
  let brokenBy: unknown
  const broken = Promise.withResolvers<never>()
  const died = Promise.race([thread.died, broken.promise])
  died.catch(() => {}) // whoever awaits it sees it; nobody must

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
  return { ...thread, died, call: (method, ...args) => guarded(thread.call(method, ...args)) }
}

const isCorrupt = (error: unknown): boolean => error instanceof RemoteError && error.code === outboxCorrupt

/** Renames the write-ahead log first: cut in between, it must not be replayed into the next database. */
async function setAside(path: string, now: number): Promise<string> {
  const aside = `${path}.corrupt-${new Date(now).toISOString()}`
  for (const suffix of ['-wal', '-shm', ''])
    await rename(`${path}${suffix}`, `${aside}${suffix}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  return aside
}
