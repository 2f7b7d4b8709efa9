import { EdgeError } from '../../core/errors.ts'

/** CONNACK with a code that means: not with these credentials. */
export class ConnectionRefused extends EdgeError {
  override readonly name = 'ConnectionRefused'
  readonly code = 'connection_refused'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 4
  override readonly cure = 'Look at the hub whether this agent is still onboarded, and why it was refused.'

  constructor(target: string, cause: Error) {
    super(`${target} refused this box: ${cause.message}`, { cause })
  }
}

/** The connection is there, but what is sent over it is not acknowledged. */
export class Stalled extends EdgeError {
  override readonly name = 'Stalled'
  readonly code = 'uplink_stalled'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 5
  override readonly cure = 'Look at the hub whether it can commit: its disk may be full.'

  constructor(target: string, ackTimeoutMs: number) {
    super(`${target} has not acknowledged a batch for ${ackTimeoutMs} ms`)
  }
}
