import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { TooManyUploads, ValueTooLarge } from './errors.ts'
import type { Sweep } from './sweep.ts'
import {
  type Conditions,
  chunkBytes,
  type Owner,
  type TokenHead,
  type TokenName,
  type WriteMode,
} from './token.ts'
import type { TokensThread } from './tokens-thread.ts'

export interface Written {
  head: TokenHead
  /** There was none of the name before. */
  isNew: boolean
}

/** A value that comes in pieces; what is disposed of before its commit has never been. */
export interface ValueUpload extends AsyncDisposable {
  /** Resolves when there is room for the next piece. Throws `ValueTooLarge`, `QuotaExceeded`, `DiskFull`. */
  write(text: string): Promise<void>
  /** When this resolves, the whole value is on disk under the name. Throws `Conflict`, `PreconditionFailed`. */
  commit(name: TokenName, mode: WriteMode, conditions: Conditions): Promise<Written>
}

export interface Writing {
  /** With the name of what it replaces, where that is known by now. Throws `TooManyUploads`. */
  upload(owner: Owner, name?: TokenName): Promise<ValueUpload>
}

/** Each holds a chunk in memory, and a few on their way. */
const maxUploads = 64
/** No app can take all places by sending slowly. */
const maxUploadsOfApp = 16

export interface WritingDeps {
  ready(): Promise<TokensThread>
  sweep: Sweep
  clock: Clock
  random: Random
}

export function createWriting(
  { ready, sweep, clock, random }: WritingDeps,
  { maxValueBytes }: { maxValueBytes: number },
): Writing {
  let running = 0
  const runningOf = new Map<string, number>()
  const count = (clientId: string, change: 1 | -1): void => {
    running += change
    const left = (runningOf.get(clientId) ?? 0) + change
    if (left === 0) runningOf.delete(clientId)
    else runningOf.set(clientId, left)
  }

  return {
    async upload(owner, name) {
      const { call } = await ready()
      if (running >= maxUploads) throw new TooManyUploads('too many values are being written at once')
      if ((runningOf.get(owner.clientId) ?? 0) >= maxUploadsOfApp)
        throw new TooManyUploads(`the app writes ${maxUploadsOfApp} values at once already`)
      count(owner.clientId, 1)
      const content = random.bytes(16).toString('base64url')
      const chunk = createChunk((plain) => call('append', content, plain))
      let isOver = false
      const end = (): void => {
        if (!isOver) count(owner.clientId, -1)
        isOver = true
        sweep.start()
      }
      await call('begin', owner, content, name).catch((error) => {
        end()
        throw error
      })
      let bytes = 0
      return {
        async write(text) {
          const plain = Buffer.from(text)
          bytes += plain.length
          if (bytes > maxValueBytes) throw new ValueTooLarge(maxValueBytes)
          await chunk.add(plain)
        },
        async commit(as, mode, conditions) {
          await chunk.flush()
          const now = clock.now()
          const written = await call('commit', { content, name: as, mode, conditions, now })
          end()
          return written
        },
        async [Symbol.asyncDispose]() {
          if (isOver) return
          await call('abandon', content).catch(() => {}) // the thread is gone: the next start clears away
          end()
        },
      }
    },
  }
}

/** Cuts what comes into chunks of one size. */
function createChunk(take: (plain: Uint8Array) => Promise<void>) {
  let buffer: Buffer = Buffer.alloc(0)
  let filled = 0

  const flush = async (): Promise<void> => {
    if (filled === 0) return
    const plain = buffer.subarray(0, filled)
    filled = 0
    await take(plain.length === buffer.length ? plain : Uint8Array.from(plain))
  }
  return {
    async add(plain: Buffer): Promise<void> {
      for (let at = 0; at < plain.length; ) {
        if (buffer.length < chunkBytes && filled + plain.length - at > buffer.length)
          buffer = grown(buffer, filled + plain.length - at)
        const copied = plain.copy(buffer, filled, at)
        at += copied
        filled += copied
        if (filled === chunkBytes) await flush()
      }
    },
    flush,
  }
}

/** Most values are small: a whole chunk is held only for those that fill one. */
function grown(buffer: Buffer, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(needed, 2 * buffer.length)))
  buffer.copy(larger)
  return larger
}
