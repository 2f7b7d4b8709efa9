/** Process exit codes; part of the command-line contract. */
export type ExitCode = 1 | 2 | 3 | 4 | 5 | 6

/** A failure we planned for; anything else thrown is a bug. Codes are API, messages are for people. */
export abstract class EdgeError extends Error {
  abstract readonly code: string
  readonly retryable: boolean = false
  /** Not to be tried again before, as the far side asked. */
  readonly retryAfterMs: number = 0
  readonly statusCode: number = 500
  readonly exitCode: ExitCode = 1
  /** What the reader can do about it, as a sentence. */
  readonly cure: string | undefined = undefined
}

/** Wrong usage, wrong parameters, a document that does not fit its schema. */
export class Invalid extends EdgeError {
  override readonly name = 'Invalid'
  readonly code: string = 'invalid'
  override readonly statusCode = 400
  override readonly exitCode = 2
  override readonly cure: string | undefined
  readonly details: readonly string[]

  constructor(message: string, options: ErrorOptions & { cure?: string; details?: readonly string[] } = {}) {
    super(message, options)
    this.cure = options.cure
    this.details = options.details ?? []
  }
}

export class NotFound extends EdgeError {
  override readonly name = 'NotFound'
  readonly code = 'not_found'
  override readonly statusCode = 404
}

export class Conflict extends EdgeError {
  override readonly name = 'Conflict'
  readonly code: string
  override readonly statusCode = 409

  constructor(message: string, code = 'conflict') {
    super(message)
    this.code = code
  }
}

/** The caller is known, and may not do this. */
export class Forbidden extends EdgeError {
  override readonly name = 'Forbidden'
  readonly code: string
  override readonly statusCode = 403
  override readonly exitCode = 4

  constructor(message: string, code = 'forbidden') {
    super(message)
    this.code = code
  }
}

/** What was to be changed is not as the caller believes. */
export class PreconditionFailed extends EdgeError {
  override readonly name = 'PreconditionFailed'
  readonly code = 'precondition_failed'
  override readonly statusCode = 412
  override readonly cure = 'Read it again, and repeat the change with the new ETag.'
}

/** How an error crosses a process or thread boundary. */
export interface ErrorShape {
  code: string
  message: string
  statusCode: number
  exitCode: ExitCode
  retryable: boolean
  cure?: string
  details?: readonly string[]
}

/** An EdgeError that was thrown on the far side of a thread or of the control socket. */
export class RemoteError extends EdgeError {
  override readonly name = 'RemoteError'
  readonly code: string
  override readonly statusCode: number
  override readonly exitCode: ExitCode
  override readonly retryable: boolean
  override readonly cure: string | undefined
  readonly details: readonly string[]

  constructor(shape: ErrorShape) {
    super(shape.message)
    this.code = shape.code
    this.statusCode = shape.statusCode
    this.exitCode = shape.exitCode
    this.retryable = shape.retryable
    this.cure = shape.cure
    this.details = shape.details ?? []
  }
}

/** A bug keeps its message for the log of the same machine; it never reaches a network client. */
export function errorShape(error: unknown): ErrorShape {
  if (!(error instanceof EdgeError)) {
    const message = error instanceof Error ? error.message : String(error)
    return { code: 'internal', message, statusCode: 500, exitCode: 1, retryable: false }
  }
  const { code, message, statusCode, exitCode, retryable, cure } = error
  const details = 'details' in error ? (error.details as readonly string[]) : []
  return {
    code,
    message,
    statusCode,
    exitCode,
    retryable,
    ...(cure === undefined ? {} : { cure }),
    ...(details.length > 0 ? { details } : {}),
  }
}
