import { EdgeError } from '../../core/errors.ts'

/** RFC 6749 5.2. The reason and the id that was claimed are for the audit, never for the caller. */
export class InvalidClient extends EdgeError {
  override readonly name = 'InvalidClient'
  readonly code = 'invalid_client'
  override readonly statusCode = 401
  readonly reason: string
  readonly claimed: string | undefined

  constructor(reason: string, claimed?: string) {
    super('client credentials are missing or wrong')
    this.reason = reason
    this.claimed = claimed
  }
}
