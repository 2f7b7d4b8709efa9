import { EdgeError } from '../../core/errors.ts'

/** CONNACK codes that mean: not this version of MQTT (3.1.1: 1; 5: 132). */
const versionCodes: readonly number[] = [1, 132]

/** CONNACK with a code that means: not with these credentials. */
export class ConnectionRefused extends EdgeError {
  override readonly name = 'ConnectionRefused'
  readonly code = 'connection_refused'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 4
  override readonly cure = 'Look at the hub whether this agent is still onboarded, and why it was refused.'
  /** The far side does not speak this version of MQTT. */
  readonly isForVersion: boolean

  constructor(target: string, cause: Error, mqttCode?: number) {
    super(`${target} refused this box: ${cause.message}`, { cause })
    this.isForVersion = mqttCode !== undefined && versionCodes.includes(mqttCode)
  }
}

/** PUBACK with a code that means: not taken. */
export class PublishRefused extends EdgeError {
  override readonly name = 'PublishRefused'
  readonly code = 'publish_refused'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 4
  override readonly cure = 'See the log of the far side, and what this agent may publish there.'

  constructor(target: string, cause: Error) {
    super(`${target} did not take a message: ${cause.message}`, { cause })
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
    super(`${target} has not acknowledged a message for ${ackTimeoutMs} ms`)
  }
}

/** 401 or 403, with a fresh token too. */
export class ExchangeRefused extends EdgeError {
  override readonly name = 'ExchangeRefused'
  readonly code = 'exchange_refused'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 4
  override readonly cure = 'Look at the hub whether this agent is still onboarded, and may upload.'

  constructor(target: string, reason: string) {
    super(`${target} does not let this box upload: ${reason}`)
  }
}
