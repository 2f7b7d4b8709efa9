import type { Outbox, Pending } from '../outbox/index.ts'

/** Goes through a span of positions, upward, each batch once. */
export interface LaneCursor {
  /** The next messages; nothing is passed over by asking. */
  next(limit: number): Promise<Pending[]>
  /** A message was sent, or is not to be. */
  pass(message: Pending): void
  /** A message is too large for the far side: its batches come apart. False when it is one batch alone. */
  divide(message: Pending): boolean
  /** What came in below since then is looked for, up to a position. */
  sweep(upTo: number): void
  /** All up to here has been passed. */
  at(): number
}

export function createLaneCursor(
  outbox: Pick<Outbox, 'pending'>,
  span: { after: number; upTo?: number },
  { maxBytes }: { maxBytes: number },
): LaneCursor {
  let { after, upTo } = span
  /** Until it is passed, messages are smaller. */
  let divided: { upTo: number; maxBytes: number } | undefined

  return {
    async next(limit) {
      if (upTo !== undefined && after >= upTo) return []
      const end = divided?.upTo ?? upTo
      const bounds = end === undefined ? {} : { upTo: end }
      return outbox.pending({ after, ...bounds, limit, maxBytes: divided?.maxBytes ?? maxBytes })
    },
    pass({ position, count }) {
      after = position + count - 1
      if (divided !== undefined && after >= divided.upTo) divided = undefined
    },
    divide({ position, count, body }) {
      if (count === 1) return false
      const half = Math.max(1, Math.floor(Math.min(body.length, divided?.maxBytes ?? maxBytes) / 2))
      divided = { upTo: position + count - 1, maxBytes: half }
      return true
    },
    sweep(to) {
      after = 0
      upTo = to
      divided = undefined
    },
    at: () => after,
  }
}
