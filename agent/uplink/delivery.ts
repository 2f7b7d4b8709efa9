import type { Clock } from '../../core/clock.ts'
import type { Ack } from '../../protocol/ack.ts'
import type { ToldTime } from '../hub-time.ts'
import type { Outbox } from '../outbox/index.ts'
import { Stalled } from './errors.ts'

/** Sends what is pending over one connection, within a window of batches not yet acknowledged. */
export interface Delivery {
  /** Until aborted. Rejects with `Stalled`, or because the outbox failed. */
  run(signal: AbortSignal): Promise<void>
  /** Something may have become pending. */
  wake(): void
  /** The far side says what it has committed. */
  acknowledge(ack: Ack): void
  inFlight(): number
}

export interface DeliveryDeps {
  outbox: Pick<Outbox, 'pending' | 'acknowledge'>
  clock: Clock
  send(payload: Uint8Array): void
  /** Batches of ours that an acknowledgement has taken off the window. */
  onDelivered(batches: number): void
  /** An acknowledgement told the time of the far side. */
  onTime(told: ToldTime): void
}

export interface DeliveryConfig {
  /** Address of the far side, for messages. */
  target: string
  window: number
  ackTimeoutMs: number
}

export function createDelivery(
  { outbox, clock, send, onDelivered, onTime }: DeliveryDeps,
  { target, window, ackTimeoutMs }: DeliveryConfig,
): Delivery {
  /** Keyed by our own sequence; the oldest is first. */
  const inFlight = new Map<number, { epoch: string; sentAt: number }>()
  let sentUpTo = 0
  let wanted = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // `run` says it, unless it has ended
  const wake = (): void => wanted.resolve()

  async function sendPending(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      wanted = Promise.withResolvers() // what comes from here on is not missed
      const room = window - inFlight.size
      const batches = room > 0 ? await outbox.pending(sentUpTo, room) : []
      if (signal.aborted) return
      for (const { epoch, seq, payload } of batches) {
        inFlight.set(seq, { epoch, sentAt: clock.monotonic() })
        sentUpTo = seq
        send(payload)
      }
      if (batches.length === 0) await wanted.promise
    }
  }

  async function watchOldest(signal: AbortSignal): Promise<never> {
    for (;;) {
      const [oldest] = inFlight.values()
      const leftMs = oldest ? oldest.sentAt + ackTimeoutMs - clock.monotonic() : ackTimeoutMs
      if (leftMs <= 0) throw new Stalled(target, ackTimeoutMs)
      await clock.sleep(leftMs, signal)
    }
  }

  const namedBy = ({ epoch, ranges }: Ack) =>
    [...inFlight].filter(
      ([seq, batch]) => batch.epoch === epoch && ranges.some(([from, to]) => from <= seq && seq <= to),
    )

  function readTime(ack: Ack): void {
    const sentAt = Math.max(...namedBy(ack).map(([, batch]) => batch.sentAt))
    const roundTripMs = clock.monotonic() - sentAt
    if (Number.isFinite(roundTripMs)) onTime({ time: ack.time, resolutionMs: 1, roundTripMs })
  }

  async function takeOff(ack: Ack): Promise<void> {
    await outbox.acknowledge(ack.epoch, ack.ranges)
    const named = namedBy(ack)
    for (const [seq] of named) inFlight.delete(seq)
    if (named.length > 0) onDelivered(named.length)
    wake()
  }

  return {
    wake,
    inFlight: () => inFlight.size,
    acknowledge(ack) {
      readTime(ack)
      void takeOff(ack).catch(failed.reject)
    },
    async run(signal) {
      signal.addEventListener('abort', wake, { once: true })
      await Promise.race([sendPending(signal), watchOldest(signal), failed.promise])
    },
  }
}
