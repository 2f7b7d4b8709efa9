import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import { ensurePrivateDir } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { openThread, threadUrl } from '../../core/thread.ts'
import { TokensLocked } from './errors.ts'
import { settleKey } from './key.ts'
import { keyCheck } from './sealing.ts'
import type { TokensData, TokensOnDisk } from './tokens-on-disk.ts'
import type { TokensThread } from './tokens-thread.ts'

/** What came of opening kv.db. */
interface Opened {
  /** Undefined when the file cannot be opened. */
  thread: TokensThread | undefined
  /** Why values can be neither read nor written; undefined when they can. */
  fault: EdgeError | undefined
}

export interface Opening extends AsyncDisposable {
  /** Opens what is not open yet; makes the file where there is none. */
  open(): Promise<Opened>
  /** Whether there is, or was ever, anything to keep. */
  isUsed(): boolean
  /** As far as is known. */
  readonly fault: EdgeError | undefined
}

export interface OpeningDeps {
  clock: Clock
  random: Random
  log: Logger
  opened(): void
}

/** A disk may have room again, or the file be put back. */
const tryAgainAfterMs = 10_000

export function createOpening(
  { clock, random, log, opened }: OpeningDeps,
  { dir, quota }: { dir: string; quota: number },
): Opening {
  const path = join(dir, 'kv.db')
  const wasThere = existsSync(path) // from here on, it is made by us or not at all
  let opening: Promise<Opened> | undefined
  let last: Opened | undefined
  let triedAt = 0
  let isClosing = false

  const start = async (): Promise<Opened> => {
    try {
      if (isClosing) throw new Error('the box is stopping')
      await ensurePrivateDir(dir)
      const data: TokensData = { path, quota }
      const thread = await openThread<TokensOnDisk['methods']>(threadUrl('thread', import.meta.url), data)
      thread.died.catch((err) => {
        if (!isClosing) log.error({ err }, 'private tokens are gone until the next start')
      })
      return { thread, fault: await unlock(thread, dir, random) }
    } catch (error) {
      return { thread: undefined, fault: unreadable(error as Error) }
    }
  }
  const openNow = async (): Promise<Opened> => {
    triedAt = clock.monotonic()
    last = await start()
    const { thread, fault } = last
    if (fault) log.error({ code: fault.code, cause: fault.message }, 'private tokens cannot be served')
    if (thread) opened()
    return last
  }

  return {
    open() {
      const hasFailed = last !== undefined && last.thread === undefined
      if (hasFailed && clock.monotonic() - triedAt > tryAgainAfterMs) opening = undefined
      opening ??= openNow()
      return opening
    },
    isUsed: () => opening !== undefined || wasThere,
    get fault() {
      return last?.fault
    },
    async [Symbol.asyncDispose]() {
      isClosing = true
      await (await opening)?.thread?.[Symbol.asyncDispose]()
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
