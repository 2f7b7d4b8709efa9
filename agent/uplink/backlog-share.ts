/**
 * How much of the window the backlog may fill. What waits before a live message at the far side, or on the
 * link, delays it: so the backlog grows its share by one message with each acknowledgement while messages
 * take hardly longer than the fastest one did, and halves it when they queue for longer than is good. That
 * keeps both a fast hub busy and a slow link free (LEDBAT's idea, RFC 6817, counted in messages).
 */
export interface BacklogShare {
  /** Messages. */
  limit(): number
  /** One was acknowledged; times on the monotonic clock. */
  took(sentAt: number, answeredAt: number): void
}

const firstShare = 2
const goodQueueMs = 300
const badQueueMs = 600

export function createBacklogShare(most: number): BacklogShare {
  let limit = Math.min(firstShare, most)
  let fastestMs = Number.POSITIVE_INFINITY
  /** One flight of messages shows one queue: it is answered once. */
  let halvedAt = Number.NEGATIVE_INFINITY

  return {
    limit: () => limit,
    took(sentAt, answeredAt) {
      const tookMs = answeredAt - sentAt
      fastestMs = Math.min(fastestMs, tookMs)
      const queuedMs = tookMs - fastestMs
      if (queuedMs < goodQueueMs) limit = Math.min(most, limit + 1)
      else if (queuedMs > badQueueMs && sentAt > halvedAt) {
        limit = Math.max(Math.min(1, most), Math.floor(limit / 2))
        halvedAt = answeredAt
      }
    },
  }
}
