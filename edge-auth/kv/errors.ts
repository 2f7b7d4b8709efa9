import { EdgeError } from '../../core/errors.ts'

export class ValueTooLarge extends EdgeError {
  override readonly name = 'ValueTooLarge'
  readonly code = 'value_too_large'
  override readonly statusCode = 413

  constructor(maxBytes: number) {
    super(`the value has more than ${maxBytes} bytes of UTF-8`)
  }
}

export class QuotaExceeded extends EdgeError {
  override readonly name = 'QuotaExceeded'
  readonly code = 'quota_exceeded'
  override readonly statusCode = 507
  override readonly cure = 'Delete tokens, or have auth.kv_quota raised.'

  constructor(quota: number) {
    super(`the app may keep ${quota} bytes`)
  }
}

export class DiskFull extends EdgeError {
  override readonly name = 'DiskFull'
  readonly code = 'disk_full'
  override readonly statusCode = 507
  override readonly retryable = true
  override readonly cure = 'Make room on the disk; what was kept before is still there.'
}

/** The database could not be read or written this time; what was asked for has not happened. */
export class TokensUnwritable extends EdgeError {
  override readonly name = 'TokensUnwritable'
  readonly code = 'tokens_unavailable'
  override readonly statusCode = 503
  override readonly retryable = true
  override readonly cure = 'Check the disk and its mount options.'
}

/** The store as a whole cannot be served until somebody has put it right. */
export class TokensLocked extends EdgeError {
  override readonly name = 'TokensLocked'
  readonly code: string
  override readonly statusCode = 503
  override readonly cure: string

  constructor(code: string, message: string, cure: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.cure = cure
  }
}

/** This one cannot be read; the others are not concerned. */
export class TokenDamaged extends EdgeError {
  override readonly name = 'TokenDamaged'
  readonly code = 'token_damaged'
  override readonly cure = 'Write it anew, or delete it.'

  constructor() {
    super('the token was damaged or tampered with on the disk')
  }
}

export class PreconditionFailed extends EdgeError {
  override readonly name = 'PreconditionFailed'
  readonly code = 'precondition_failed'
  override readonly statusCode = 412
}

export class TooManyUploads extends EdgeError {
  override readonly name = 'TooManyUploads'
  readonly code = 'too_many_uploads'
  override readonly statusCode = 503
  override readonly retryable = true
}

/** Gives what SQLite says a name that the other side of the thread can tell from the rest. */
export function namingFailures<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    const { code = '', message } = error as { code?: unknown; message: string }
    if (typeof code !== 'string' || !code.startsWith('SQLITE_')) throw error
    if (code === 'SQLITE_FULL') throw new DiskFull('the disk is full', { cause: error })
    throw new TokensUnwritable(`${message} (${code})`, { cause: error })
  }
}
