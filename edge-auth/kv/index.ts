import type { Clock } from '../../core/clock.ts'
import type { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { createOpening } from './opening.ts'
import { createReading, type Reading } from './reading.ts'
import { createSweep } from './sweep.ts'
import type { Conditions, Owner, TokenHead } from './token.ts'
import type { ListWish, TokensThread } from './tokens-thread.ts'
import { createWriting, type Writing } from './writing.ts'

/**
 * Private tokens: what an app keeps under (relatedId, key), in kv.db and sealed with the box's key. Its
 * own thread, so that big values hold up nobody's login. Every method throws `TokensLocked` while the
 * store cannot be served; removing works even then, unless the file itself cannot be opened. Where no app
 * has ever kept anything, there is neither the file nor the thread, until the first one asks.
 */
export interface PrivateTokens extends Reading, Writing, AsyncDisposable {
  list(wish: ListWish): Promise<{ heads: TokenHead[]; total: number }>
  /** What is left out names all; returns how many there were. */
  remove(owner: Owner, relatedId?: string, key?: string, conditions?: Conditions): Promise<number>
  /** Removes what others than these apps have. */
  keepOnly(apps: readonly Owner[]): Promise<void>
  /** By app, in bytes as they count for the quota. */
  usage(): Promise<{ clientId: string; since: number; tokens: number; used: number }[]>
  /** Undefined while all is well. */
  readonly fault: EdgeError | undefined
  readonly quota: number
  readonly maxValueBytes: number
}

export interface PrivateTokensDeps {
  clock: Clock
  random: Random
  log: Logger
}

export interface PrivateTokensConfig {
  /** kv.db and kv.key lie here. */
  dir: string
  /** Bytes that an app may keep. */
  quota: number
  /** Bytes of one value. */
  maxValueBytes: number
}

/** Never fails for what lies in the files: the box must let people in without them. */
export async function openPrivateTokens(
  { clock, random, log }: PrivateTokensDeps,
  { dir, quota, maxValueBytes }: PrivateTokensConfig,
): Promise<PrivateTokens> {
  const store = createOpening({ clock, random, log, opened: () => sweep.start() }, { dir, quota })
  const withLocked = async (): Promise<TokensThread> => {
    const { thread, fault } = await store.open()
    if (!thread) throw fault
    return thread
  }
  const ready = async (): Promise<TokensThread> => {
    const { fault } = await store.open()
    if (fault) throw fault
    return withLocked()
  }
  const sweep = createSweep(withLocked, log)
  if (store.isUsed()) await store.open()

  return {
    ...createReading(ready, sweep),
    ...createWriting({ ready, sweep, clock, random }, { maxValueBytes }),
    async list(wish) {
      if (!store.isUsed()) return { heads: [], total: 0 }
      return (await ready()).call('list', { ...wish, heldBytes: -1 })
    },
    async remove(owner, relatedId, key, conditions) {
      if (!store.isUsed()) return 0
      const count = await (await withLocked()).call('remove', owner, relatedId, key, conditions)
      sweep.start()
      return count
    },
    async keepOnly(apps) {
      if (!store.isUsed()) return
      await (await withLocked()).call('keepOnly', apps)
      sweep.start()
    },
    usage: async () => (store.isUsed() ? (await withLocked()).call('usage') : []),
    get fault() {
      return store.fault
    },
    quota,
    maxValueBytes,
    async [Symbol.asyncDispose]() {
      await sweep.stop()
      await store[Symbol.asyncDispose]()
    },
  }
}
