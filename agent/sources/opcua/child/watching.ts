import type {
  ClientSession,
  ClientSidePublishEngine,
  ClientSubscription,
  DataChangeNotification,
  NotificationMessage,
  StatusCode,
} from 'node-opcua-client'
import type { Clock } from '../../../../core/clock.ts'
import type { Item, Subscribed, WireFault, WireValue } from '../messages.ts'
import { wireFault } from './faults.ts'
import { type Created, createMonitored, type Monitored } from './monitored.ts'
import { isElement } from './reading.ts'
import { nameOf, wireValue } from './values.ts'

/** A subscription, watched itself: that it lives, and that its nodes are there. */
export interface Watching {
  readonly subscribed: Subscribed
  /** While behind, the server keeps what happens, up to the queue of each item. */
  pause(isPaused: boolean): void
  /** Ends what it does beside; the subscription ends with its session. */
  stop(): void
}

export interface WatchingEvents {
  values(values: WireValue[]): void
  /** Of nodes that were not there before. */
  granted(subscribed: Subscribed): void
  lost(fault: WireFault): void
}

const keepAliveCount = 10
const lifetimeCount = 1_000
const lookMs = 1_000
const longestRetryMs = 60_000
/** A server that has nothing to tell says at least that, each so many publishings. */
const silentKeepAlives = 3
const silenceMarginMs = 5_000

/** By which a server says that it has no subscriptions, or none left. */
const refusals = new Set([
  'BadTooManySubscriptions',
  'BadTooManyMonitoredItems',
  'BadServiceUnsupported',
  'BadNotImplemented',
  'BadNotSupported',
  'BadUserAccessDenied',
])
/** By which a server says that a node has gone. */
const vanished = new Set(['BadNodeIdUnknown', 'BadNodeIdInvalid', 'BadNoEntryExists'])

/** Rejects when the server breaks off; a server that takes no subscriptions is an answer. */
export async function watch(
  { clock, session }: { clock: Clock; session: ClientSession },
  publishingMs: number,
  items: readonly Item[],
  events: WatchingEvents,
): Promise<Watching> {
  let subscription: ClientSubscription
  try {
    subscription = await subscribe(session, publishingMs)
  } catch (error) {
    const { status } = wireFault(error)
    if (status === undefined || !refusals.has(status)) throw error
    return refusedBy(status)
  }
  const stopped = new AbortController()
  const unknown = new Set<number>()
  let heardAt = clock.monotonic()
  let isPaused = false

  function tell(values: WireValue[]): void {
    for (const { item, name } of values) if (name !== undefined && vanished.has(name)) unknown.add(item)
    if (values.length > 0) events.values(values)
  }
  subscription.on('raw_notification', (message: NotificationMessage) => {
    heardAt = clock.monotonic()
    tell(valuesOf(message, items))
  })
  subscription.on('keepalive', () => {
    heardAt = clock.monotonic()
  })
  const ended = 'the server ended the subscription'
  subscription.on('terminated', () => stopped.signal.aborted || events.lost({ message: ended }))
  subscription.on('status_changed', (status: StatusCode) => {
    if (!status.isGood()) events.lost({ status: nameOf(status), message: ended })
  })
  subscription.on('error', (error) => events.lost(wireFault(error)))

  const monitored = createMonitored(session, subscription.subscriptionId, items)
  const first = await monitored.create(items.map((_, item) => item))
  const full = first.failed.find(({ name }) => name === 'BadTooManyMonitoredItems')
  if (full?.name !== undefined) {
    stopped.abort()
    await subscription.terminate()
    return refusedBy(full.name)
  }
  // The answer to who asked comes before the values.
  setImmediate(() => tell(first.failed))
  void look(monitored)

  /** Servers bring their nodes as they start, and number their namespaces anew. */
  async function look(of: Monitored): Promise<void> {
    const silenceMs =
      silentKeepAlives * subscription.maxKeepAliveCount * subscription.publishingInterval + silenceMarginMs
    let delayMs = lookMs
    for (let retryAt = clock.monotonic(); !stopped.signal.aborted; ) {
      await clock.sleep(lookMs, stopped.signal).catch(() => {}) // stopped: the loop ends
      if (stopped.signal.aborted) return
      const now = clock.monotonic()
      if (!isPaused && now - heardAt > silenceMs)
        return events.lost({ message: 'the subscription is silent' })
      if (unknown.size === 0) delayMs = lookMs
      if (unknown.size === 0 || now < retryAt) continue
      const { notes, ranges, failed } = await again(of, unknown)
      unknown.clear()
      for (const { item, name } of failed) if (name !== undefined && vanished.has(name)) unknown.add(item)
      if (notes.length + ranges.length > 0) events.granted({ notes, ranges })
      delayMs = Math.min(delayMs * 2, longestRetryMs)
      retryAt = clock.monotonic() + delayMs
    }
  }

  const { notes, ranges } = first
  return {
    subscribed: { notes, ranges },
    pause(paused) {
      if (isPaused === paused) return
      isPaused = paused
      heardAt = clock.monotonic()
      publishEngine(session).suspend(paused)
    },
    stop: () => stopped.abort(),
  }
}

const refusedBy = (refused: string): Watching => ({
  ...{ subscribed: { refused, notes: [], ranges: [] }, pause() {}, stop() {} },
})

const subscribe = (session: ClientSession, requestedPublishingInterval: number) =>
  session.createSubscription2({
    requestedPublishingInterval,
    requestedLifetimeCount: lifetimeCount,
    requestedMaxKeepAliveCount: keepAliveCount,
    maxNotificationsPerPublish: 10_000,
    publishingEnabled: true,
    priority: 0,
  })

function valuesOf({ notificationData }: NotificationMessage, items: readonly Item[]): WireValue[] {
  const changes = (notificationData ?? []).flatMap((each) =>
    each?.schema.name === 'DataChangeNotification'
      ? ((each as DataChangeNotification).monitoredItems ?? [])
      : [],
  )
  return changes.flatMap(({ clientHandle, value }) => {
    const item = items[clientHandle]
    return item ? [wireValue(clientHandle, value, isElement(item))] : []
  })
}

/** Of those that the server did not know. What fails as a whole is tried again. */
async function again(monitored: Monitored, unknown: ReadonlySet<number>): Promise<Created> {
  try {
    return await monitored.create([...unknown])
  } catch {
    const failed = [...unknown].map((item) => ({
      item,
      kind: 'scalar' as const,
      value: null,
      status: 0,
      name: 'BadNodeIdUnknown',
    }))
    return { notes: [], ranges: [], failed }
  }
}

const publishEngine = (session: ClientSession): ClientSidePublishEngine =>
  (session as unknown as { getPublishEngine(): ClientSidePublishEngine }).getPublishEngine()
