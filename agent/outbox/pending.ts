import type { Message } from '../../protocol/message.ts'

/** Batches that the far side has not acknowledged: what a message is made of (protocol/message.ts). */
export interface Pending extends Message {
  /** Of the first batch, over all epochs; the batches take `position … position + count - 1`. */
  position: number
  readings: number
  /** Epoch milliseconds: when the oldest reading was taken in. */
  since: number
  /** Somebody waits for its acknowledgement, or it is an event: not to be held back for company. */
  urgent: boolean
}

export interface PendingQuery {
  /** Above this position; 0 for all. */
  after: number
  /** Up to this position, inclusive. */
  upTo?: number
  /** At most so many messages. */
  limit: number
  /** A message gets a body of at most about this size, unless one batch alone is larger. */
  maxBytes: number
}
