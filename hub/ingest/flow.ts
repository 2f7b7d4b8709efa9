import type { Link } from './link.ts'

/** Keeps what waits for its commit small: an agent whose messages wait is not read further. */
export interface Flow {
  /** Of one connection; the result is called when the message no longer waits. */
  wait(link: Pick<Link, 'hold' | 'release'>, bytes: number): () => void
  /** Over all connections. */
  waiting(): { messages: number; bytes: number }
}

export interface FlowConfig {
  /** Of one connection. */
  maxBytes: number
  /** Of all; beyond, each connection has at most one message more. */
  maxTotalBytes: number
}

export function createFlow({ maxBytes, maxTotalBytes }: FlowConfig): Flow {
  const own = new WeakMap<object, number>()
  let messages = 0
  let total = 0

  return {
    wait(link, bytes) {
      const change = (by: number): number => {
        const now = (own.get(link) ?? 0) + by
        own.set(link, now)
        total += by
        return now
      }
      messages++
      if (change(bytes) > maxBytes || total > maxTotalBytes) link.hold()
      return () => {
        messages--
        const left = change(-bytes)
        if (left === 0 || (left <= maxBytes && total <= maxTotalBytes)) link.release()
      }
    },
    waiting: () => ({ messages, bytes: total }),
  }
}
