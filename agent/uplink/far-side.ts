import type { Range } from '../../protocol/ack.ts'
import type { Name } from '../../protocol/message.ts'
import type { Pending } from '../outbox/index.ts'

export type Protocol = 'mqtt 5' | 'mqtt 3.1.1' | 'http'

/** Whom batches are delivered to, for one session: a connection, or exchanges until something fails. */
export interface FarSide {
  readonly limits: Limits
  /**
   * Hands a message over; resolves when more may be sent. `too large`: it will not be taken in one piece,
   * and nothing of it was sent. Rejects when the session is over.
   */
  send(message: Pending, signal: AbortSignal): Promise<'sent' | 'too large'>
  /** All batches of a message that was sent are acknowledged; it carried these names. */
  delivered(epoch: string, names: readonly Name[]): void
}

export interface Limits {
  /** Messages sent and not yet acknowledged. */
  window: number
  /** Size of the body of a message to ask the outbox for. */
  maxBytes: number
  /** The session is given up when a message waits longer for its acknowledgement; absent: it ends by itself. */
  ackTimeoutMs?: number
}

/** What a far side says about what it was sent, however it says it. */
export interface Verdicts {
  /** These are committed, wherever they were sent. `time`: epoch milliseconds at the far side. */
  acknowledged(epoch: string, ranges: readonly Range[], time?: number): void
  /** These it will not take, ever. */
  rejected(epoch: string, ranges: readonly Range[], reason: string): void
}
