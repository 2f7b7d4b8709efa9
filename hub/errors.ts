import { EdgeError } from '../core/errors.ts'

/** An initial or registration access token that is unknown, used, retired or for another agent. */
export class TokenRefused extends EdgeError {
  override readonly name = 'TokenRefused'
  readonly code = 'token_validation_failed'
  override readonly statusCode = 401
  override readonly exitCode = 4

  constructor() {
    super('Token validation failed.') // says nothing about which of the reasons
  }
}

/** A client assertion or service credential that does not hold. `statusCode` differs by endpoint. */
export class InvalidClient extends EdgeError {
  override readonly name = 'InvalidClient'
  readonly code = 'invalid_client'
  override readonly statusCode: 400 | 401
  override readonly exitCode = 4

  constructor(message: string, statusCode: 400 | 401) {
    super(message)
    this.statusCode = statusCode
  }
}

export class Unauthorized extends EdgeError {
  override readonly name = 'Unauthorized'
  readonly code = 'unauthorized'
  override readonly statusCode = 401
  override readonly exitCode = 4

  constructor() {
    super('A valid access token is required.')
  }
}

/** If-Match names a version that is no longer in force. */
export class StaleETag extends EdgeError {
  override readonly name = 'StaleETag'
  readonly code = 'precondition_failed'
  override readonly statusCode = 412

  constructor(current: number) {
    super(`The version in force is ${current}.`)
  }
}

/** Nobody could follow the URL that would be handed out. */
export class NoPublicAddress extends EdgeError {
  override readonly name = 'NoPublicAddress'
  readonly code = 'no_public_address'
  override readonly statusCode = 503
  override readonly exitCode = 2
  override readonly cure: string

  constructor(what: string, setting: string) {
    super(`the hub does not know under which ${what} agents reach it`)
    this.cure = `Start the hub, or set ${setting}.`
  }
}

/** Neither Bearer nor Basic, or none at all. */
export class InvalidAuthorizationHeader extends EdgeError {
  override readonly name = 'InvalidAuthorizationHeader'
  readonly code = 'invalid_authorization_header'
  override readonly statusCode = 400

  constructor(scheme: string) {
    super(`An Authorization header of the scheme ${scheme} is required.`)
  }
}

export class UnsupportedGrant extends EdgeError {
  override readonly name = 'UnsupportedGrant'
  readonly code = 'unsupported_grant_type'
  override readonly statusCode = 400

  constructor() {
    super('Only client_credentials is supported.')
  }
}

/** A file, with all its parts, of more bytes than the hub keeps. */
export class FileTooLarge extends EdgeError {
  override readonly name = 'FileTooLarge'
  readonly code = 'file_too_large'
  override readonly statusCode = 413

  constructor(maxBytes: number) {
    super(`A file may have at most ${maxBytes} bytes.`)
  }
}

/** There are as many of a kind as the hub allows. */
export class LimitReached extends EdgeError {
  override readonly name = 'LimitReached'
  readonly code = 'limit_reached'
  override readonly statusCode = 409

  constructor(what: string, limit: number) {
    super(`There may be at most ${limit} ${what}.`)
  }
}

/** Too many requests in a span of time. */
export class RateExceeded extends EdgeError {
  override readonly name = 'RateExceeded'
  readonly code = 'too_many_requests'
  override readonly statusCode = 429
  override readonly retryable = true
  override readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('Too many requests.')
    this.retryAfterMs = retryAfterMs
  }
}
