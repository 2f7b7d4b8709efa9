import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import { ensurePrivateDir } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { openThread, threadUrl } from '../../core/thread.ts'
import { TokensLocked } from './errors.ts'
import { settleKey } from './key.ts'
import { createReading, type Reading } from './reading.ts'
import { keyCheck } from './sealing.ts'
import { createSweep } from './sweep.ts'
import type { Conditions, Owner, TokenHead } from './token.ts'
import type { TokensData, TokensOnDisk } from './tokens-on-disk.ts'
import type { ListWish, TokensThread } from './tokens-thread.ts'
import { createWriting, type Writing } from './writing.ts'

/**
 * Private tokens: what an app keeps under (relatedId, key), in kv.db and sealed with the box's key. Its
 * own thread, so that big values hold up nobody's login. Every method throws `TokensLocked` while the
 * store cannot be served; removing works even then, unless the file itself cannot be opened.
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
  await ensurePrivateDir(dir)
  const opened = await openThread<TokensOnDisk['methods']>(threadUrl('thread', import.meta.url), {
    path: join(dir, 'kv.db'),
    quota,
  } satisfies TokensData).catch(unreadable)
  const thread = opened instanceof TokensLocked ? undefined : opened
  const fault = thread ? await unlock(thread, dir, random) : (opened as TokensLocked)
  if (fault) log.error({ code: fault.code, cause: fault.message }, 'private tokens cannot be served')
  let isClosing = false
  thread?.died.catch((err) => {
    if (!isClosing) log.error({ err }, 'private tokens are gone until the next start')
  })

  const withLocked = async (): Promise<TokensThread> => {
    if (!thread) throw fault
    return thread
  }
  const ready = async (): Promise<TokensThread> => {
    if (fault) throw fault
    return withLocked()
  }
  const sweep = createSweep(withLocked, log)
  if (thread) sweep.start()

  return {
    ...createReading(ready, sweep),
    ...createWriting({ ready, sweep, clock, random }, { maxValueBytes }),
    list: async (wish) => (await ready()).call('list', { ...wish, heldBytes: -1 }),
    async remove(owner, relatedId, key, conditions) {
      const count = await (await withLocked()).call('remove', owner, relatedId, key, conditions)
      sweep.start()
      return count
    },
    async keepOnly(apps) {
      await (await withLocked()).call('keepOnly', apps)
      sweep.start()
    },
    usage: async () => (await withLocked()).call('usage'),
    fault,
    quota,
    maxValueBytes,
    async [Symbol.asyncDispose]() {
      isClosing = true
      await sweep.stop()
      await thread?.[Symbol.asyncDispose]()
    },
  }
}

/** What stands against serving the store; undefined when nothing does. */
async function unlock(thread: TokensThread, dir: string, random: Random): Promise<EdgeError | undefined> {
  try {
    const key = await settleKey(dir, await thread.call('keyed'), random)
    await thread.call('unlock', key, keyCheck(key))
    return undefined
  } catch (error) {
    return error instanceof EdgeError ? error : unreadable(error as Error)
  }
}

const unreadable = (cause: Error): TokensLocked =>
  new TokensLocked(
    'kv_unreadable',
    `the private tokens cannot be opened: ${cause.message}`,
    'Check the disk; put kv.db and kv.key back from a backup, or move kv.db away to start with none.',
    { cause },
  )
