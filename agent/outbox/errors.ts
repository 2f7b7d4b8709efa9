import { EdgeError, RemoteError } from '../../core/errors.ts'

export const outboxCorrupt = 'outbox_corrupt'
export const outboxFull = 'outbox_full'
export const outboxUnwritable = 'outbox_unwritable'

/** The file is not a database, or no longer a whole one. It is set aside and a new one is begun. */
export class OutboxCorrupt extends EdgeError {
  override readonly name = 'OutboxCorrupt'
  readonly code = outboxCorrupt
  override readonly cure = 'Check the disk; the file was set aside and collecting goes on in a new one.'
}

/** There is no place for these readings, and none may be made by dropping others. */
export class OutboxFull extends EdgeError {
  override readonly name = 'OutboxFull'
  readonly code = outboxFull
  override readonly retryable = true
  override readonly statusCode = 503
  override readonly cure =
    'Restore the connection to the hub, free space on the disk, or raise outbox.max_bytes.'
}

/** The disk does not keep up: so much waits for it that no more is taken into memory. */
export class OutboxBusy extends EdgeError {
  override readonly name = 'OutboxBusy'
  readonly code = 'outbox_busy'
  override readonly retryable = true
  override readonly statusCode = 503
  override readonly cure = 'Send more slowly; should it stay so, check the disk.'
}

/** The database could not be read or written this time; what was asked for has not happened. */
export class OutboxUnwritable extends EdgeError {
  override readonly name = 'OutboxUnwritable'
  readonly code = outboxUnwritable
  override readonly retryable = true
  override readonly statusCode = 503
  override readonly cure = 'Check the disk, its mount options, and whether another process holds the file.'
}

/** Gives what SQLite and the file system say a name that the other side of the thread can tell from the rest. */
export function namingFailures<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    const { code = '', message } = error as { code?: unknown; message: string }
    if (typeof code !== 'string' || !/^(SQLITE_|E[A-Z]+$)/.test(code)) throw error
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) throw new OutboxCorrupt(message, { cause: error })
    if (code === 'SQLITE_FULL') throw new OutboxFull(message, { cause: error })
    throw new OutboxUnwritable(`${message} (${code})`, { cause: error })
  }
}

/** As it arrives from the thread. */
export const isCorrupt = (error: unknown): boolean =>
  error instanceof RemoteError && error.code === outboxCorrupt
