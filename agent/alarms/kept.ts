import Type from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import { readFileIfExists, writeFileAtomic } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson, parser } from '../../core/schema.ts'

const parseKept = parser(Type.Object({ kept: Type.Array(Type.Unknown()) }))

/** What a file keeps. One that cannot be read is begun anew: it holds nothing that cannot be seen again. */
export async function readKept<T>(path: string, check: (row: unknown) => T, log: Logger): Promise<T[]> {
  const text = await readFileIfExists(path)
  if (text === undefined) return []
  try {
    return parseKept(parseJson(text, path), path).kept.map(check)
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    log.error({ path, reason: error.message }, 'file not readable; it is begun anew')
    return []
  }
}

/** Writes a file after changes, seldom enough for flash. */
export interface Keeper extends AsyncDisposable {
  /** Soon; within a minute at the latest. */
  changed(): void
  /** Now. Rejects when it cannot be written. */
  write(): Promise<void>
}

const soonMs = 1_000
const seldomMs = 60_000

export function createKeeper(
  { clock, log }: { clock: Clock; log: Logger },
  { path, content }: { path: string; content: () => readonly object[] },
): Keeper {
  const stopped = new AbortController()
  let writtenAt = Number.NEGATIVE_INFINITY
  let dirty = false
  let waiting: Promise<void> | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = (): Promise<void> => {
    writtenAt = clock.monotonic()
    dirty = false
    const text = JSON.stringify({ kept: content() })
    const written = writing.then(() => writeFileAtomic(path, text))
    writing = written.catch(() => {}) // told to who has asked
    return written
  }
  const writeOrLog = (): Promise<void> => write().catch((err) => log.warn({ err, path }, 'file not written'))
  const later = async (): Promise<void> => {
    const pauseMs = Math.max(soonMs, writtenAt + seldomMs - clock.monotonic())
    await clock.sleep(pauseMs, stopped.signal).catch(() => {}) // stopped: at once
    waiting = undefined
    if (dirty) await writeOrLog()
  }
  return {
    changed() {
      dirty = true
      if (!stopped.signal.aborted) waiting ??= later()
    },
    write,
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await waiting
      if (dirty) await writeOrLog()
      await writing
    },
  }
}
