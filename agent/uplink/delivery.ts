import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Range } from '../../protocol/ack.ts'
import type { ToldTime } from '../hub-time.ts'
import type { Outbox, Pending } from '../outbox/index.ts'
import { createBacklogShare } from './backlog-share.ts'
import { Stalled } from './errors.ts'
import type { FarSide, Verdicts } from './far-side.ts'
import { createLaneCursor, type LaneCursor } from './lane.ts'
import { createPace } from './pace.ts'
import { createWindow, type Lane } from './window.ts'

/**
 * Delivers what is pending in one session, in two lanes. Live is what was appended after the session began;
 * the backlog is what was there before, up to the newest batch of that moment. Live goes first and finds at
 * least a quarter of the window free (one message at least); the backlog takes what is left, the oldest
 * first. With a window of one message they take turns.
 *
 * Order: in each lane messages are sent in the order in which their batches were committed, all sources
 * together; so a source's readings are never reordered within a lane, and in the backlog all sources are
 * equally far. Between the lanes there is no order: live readings overtake the backlog.
 */
export interface Delivery extends Verdicts {
  /** Until aborted. Rejects with `Stalled`, or because the far side or the outbox failed. */
  run(signal: AbortSignal): Promise<void>
  /** Something has become pending; `urgent`: somebody waits for its acknowledgement. */
  wake(urgent: boolean): void
  status(): DeliveryStatus
}

export interface DeliveryStatus {
  /** Messages sent and not wholly acknowledged, and how many of them each lane has. */
  inFlight: number
  lanes: Record<Lane, number>
  /** Epoch milliseconds: when the oldest of them was sent. */
  oldestUnackedAt?: number
  /** Batches that are too large for the far side; they stay in the outbox. */
  tooLarge: number
}

export interface DeliveryDeps {
  outbox: Pick<Outbox, 'pending' | 'acknowledge' | 'reject' | 'stats'>
  farSide: FarSide
  clock: Clock
  log: Logger
  /** One message was handed over. */
  onSent?(batches: number, bytes: number): void
  /** An acknowledgement has taken so much off the window. */
  onDelivered(batches: number, readings: number): void
  /** An acknowledgement told the time of the far side. */
  onTime(told: ToldTime): void
}

export interface DeliveryConfig {
  /** Address of the far side, for messages. */
  target: string
  minIntervalMs: number
  maxIntervalMs: number
}

/** Batches may come in below what was passed: an outbox that broke takes back what it could save. */
const sweepIntervalMs = 10_000
/** Live gets its turn after so many messages of the backlog. */
const backlogTurn = 4

export function createDelivery(deps: DeliveryDeps, config: DeliveryConfig): Delivery {
  const { outbox, farSide, clock, log } = deps
  const { window: most, maxBytes, ackTimeoutMs } = farSide.limits
  const window = createWindow()
  const pace = createPace(clock, { ...config, maxBytes })
  const reserved = most > 1 ? Math.ceil(most / 4) : 0
  const share = createBacklogShare(most - reserved)
  let wanted = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // `run` says it, unless it has ended
  /** Something may be there that the live lane has not seen; and somebody waits for it. */
  let isLiveWanted = true
  let isUrgent = false
  /** When the backlog is looked through again; undefined while it is not through. */
  let sweepAt: number | undefined
  let tooLarge = 0

  function wake(urgent: boolean): void {
    isLiveWanted = true
    isUrgent ||= urgent
    wanted.resolve()
  }

  function roomFor(lane: Lane): number {
    const left = most - window.count()
    return lane === 'live' ? left : Math.min(left, share.limit() - window.count('backlog'))
  }

  /** True when the next message may follow; else what was asked of the outbox no longer holds. */
  async function send(
    lane: Lane,
    cursor: LaneCursor,
    message: Pending,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (signal.aborted || roomFor(lane) <= 0) return false
    const isAlone = window.count('backlog') === 0
    window.add({ message, lane, isAlone, sentAt: clock.monotonic(), sentWallAt: clock.now() })
    if ((await farSide.send(message, signal)) === 'sent') {
      cursor.pass(message)
      deps.onSent?.(message.names.length, message.body.length)
      return true
    }
    window.remove(message)
    wake(isUrgent)
    if (!cursor.divide(message)) holdBack(cursor, message)
    return false
  }

  function holdBack(cursor: LaneCursor, message: Pending): void {
    cursor.pass(message)
    const { epoch, seq, body } = message
    if (tooLarge++ === 0)
      log.warn({ epoch, seq, bytes: body.length }, 'batch is larger than the far side takes; it is kept')
  }

  async function sendLive(cursor: LaneCursor, signal: AbortSignal): Promise<boolean> {
    const room = roomFor('live')
    const isLookDue = (pace.nextLookAt() ?? Number.POSITIVE_INFINITY) <= clock.monotonic()
    if (room <= 0 || !(isLiveWanted || isLookDue)) return false
    const urgent = isUrgent
    isLiveWanted = false
    isUrgent = false
    const messages = await cursor.next(room)
    const gathering = messages.at(-1)
    for (const message of messages) {
      const mayGather = message === gathering && !urgent && !message.urgent
      if (mayGather && !pace.isDue(message)) return messages.length > 1
      if (!(await send('live', cursor, message, signal))) {
        wake(urgent)
        return false
      }
    }
    pace.clear()
    if (messages.length === room) wake(urgent) // there may be more
    return messages.length > 0
  }

  async function sendBacklog(backlog: LaneCursor, live: LaneCursor, signal: AbortSignal): Promise<boolean> {
    if (sweepAt !== undefined) {
      if (clock.monotonic() < sweepAt || window.count('backlog') > 0) return false
      backlog.sweep(Math.min(live.at(), (window.lowest() ?? Number.POSITIVE_INFINITY) - 1))
      sweepAt = undefined
      tooLarge = 0
    }
    const room = roomFor('backlog')
    if (room <= 0) return false
    const messages = await backlog.next(Math.min(room, backlogTurn))
    for (const message of messages) if (!(await send('backlog', backlog, message, signal))) return false
    if (messages.length === 0) sweepAt = clock.monotonic() + sweepIntervalMs
    return messages.length > 0
  }

  async function sendPending(signal: AbortSignal): Promise<void> {
    const { newest } = await outbox.stats()
    const live = createLaneCursor(outbox, { after: newest }, { maxBytes })
    const backlog = createLaneCursor(outbox, { after: 0, upTo: newest }, { maxBytes })
    while (!signal.aborted) {
      wanted = Promise.withResolvers() // what comes from here on is not missed
      const hasSent = await sendLive(live, signal)
      if (!(await sendBacklog(backlog, live, signal)) && !hasSent) await nextOccasion()
    }
  }

  /** Something new, an acknowledgement, or a time to look again. */
  async function nextOccasion(): Promise<void> {
    const over = new AbortController()
    const lookAt = roomFor('live') > 0 ? pace.nextLookAt() : undefined
    const sweep = window.count('backlog') === 0 ? sweepAt : undefined
    const until = Math.min(lookAt ?? Number.POSITIVE_INFINITY, sweep ?? Number.POSITIVE_INFINITY)
    const slept = Number.isFinite(until)
      ? clock.sleep(until - clock.monotonic(), over.signal).catch(() => {}) // when it is over
      : wanted.promise
    await Promise.race([wanted.promise, slept])
    over.abort()
  }

  async function watchOldest(limitMs: number, signal: AbortSignal): Promise<never> {
    for (;;) {
      const oldest = window.oldest()
      const leftMs = oldest ? oldest.sentAt + limitMs - clock.monotonic() : limitMs
      if (leftMs <= 0) throw new Stalled(config.target, limitMs)
      await clock.sleep(leftMs, signal)
    }
  }

  /** The outbox first: what is off the window may be asked for again. */
  async function settle(epoch: string, ranges: readonly Range[], kept: Promise<unknown>): Promise<number> {
    const answeredAt = clock.monotonic()
    await kept
    const { batches, finished } = window.settle(epoch, ranges)
    for (const { message, lane, isAlone, sentAt } of finished) {
      if (lane === 'backlog') share.took(sentAt, answeredAt)
      else if (isAlone) pace.took(answeredAt - sentAt) // no queue of ours before it
      farSide.delivered(epoch, message.names)
    }
    wanted.resolve()
    return batches
  }

  async function takeOff(epoch: string, ranges: readonly Range[]): Promise<void> {
    const kept = outbox.acknowledge(epoch, ranges)
    const batches = await settle(epoch, ranges, kept)
    if (batches > 0) deps.onDelivered(batches, await kept)
  }

  function readTime(epoch: string, ranges: readonly Range[], time: number): void {
    const sentAt = window.lastSentAt(epoch, ranges)
    if (sentAt === undefined) return
    deps.onTime({ time, resolutionMs: 1, roundTripMs: clock.monotonic() - sentAt })
  }

  return {
    wake,
    acknowledged(epoch, ranges, time) {
      if (time !== undefined) readTime(epoch, ranges, time)
      takeOff(epoch, ranges).catch(failed.reject)
    },
    rejected(epoch, ranges, reason) {
      log.error({ epoch, ranges, reason }, 'the far side will never take these batches; they are given up')
      settle(epoch, ranges, outbox.reject(epoch, ranges)).catch(failed.reject)
    },
    status() {
      const oldest = window.oldest()
      return {
        inFlight: window.count(),
        lanes: { live: window.count('live'), backlog: window.count('backlog') },
        ...(oldest === undefined ? {} : { oldestUnackedAt: oldest.sentWallAt }),
        tooLarge,
      }
    },
    async run(signal) {
      signal.addEventListener('abort', () => wanted.resolve(), { once: true })
      const watched = ackTimeoutMs === undefined ? [] : [watchOldest(ackTimeoutMs, signal)]
      await Promise.race([sendPending(signal), failed.promise, ...watched])
    },
  }
}
