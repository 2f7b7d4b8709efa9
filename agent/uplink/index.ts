import { EdgeError } from '../../core/errors.ts'
import { delayAfter, type RetryPolicy } from '../../core/retry.ts'
import { aborted } from '../../core/tasks.ts'
import type { Membership } from '../identity.ts'
import { createDelivery, type Delivery, type DeliveryStatus } from './delivery.ts'
import type { Protocol } from './far-side.ts'
import { openMindConnectSession } from './mindconnect-session.ts'
import { openMqttSession } from './mqtt-session.ts'
import { type Route, routeOf } from './route.ts'
import type { Session, SessionDeps, SessionEvents } from './session.ts'
import { noTraffic, type Traffic } from './traffic.ts'
import { createVersions } from './version.ts'

export type { Traffic } from './traffic.ts'

/** Delivers batches to the hub and tells what the hub announces. */
export interface Uplink {
  /** Connects, delivers and reconnects until aborted. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  status(): UplinkStatus
  traffic(): Traffic
}

export interface UplinkStatus extends Omit<DeliveryStatus, 'tooLarge'> {
  state: 'waiting' | 'connecting' | 'connected' | 'disconnected'
  /** Why it is not connected, for people. */
  reason?: string
  /** Address of the far side, how it is spoken to, and what travels. */
  target?: string
  kind?: 'mqtt' | 'mindconnect'
  format?: 'columnar' | 'insights'
  /** While it is connected. */
  protocol?: Protocol
  /** Since this start. */
  acknowledgedBatches: number
  acknowledgedReadings: number
  /** Epoch milliseconds of the last acknowledgement. */
  lastAckAt?: number
  /** Batches that stay in the outbox, since the far side takes no packet of that size. */
  tooLarge?: number
  /** Readings without a value, which the format has no way to say. */
  leftOut?: number
}

export type UplinkDeps = SessionDeps

export interface UplinkConfig {
  /** Of what travels over MQTT. Over HTTP it is always Insights Hub's. */
  format: 'columnar' | 'insights'
  /** A PUBACK counts as the commit: for a far side that sends no acknowledgements of its own. */
  trustPuback: boolean
  /** Messages sent and not yet acknowledged. */
  window: number
  /** The connection is given up when the oldest of them is older. */
  ackTimeoutMs: number
  /** Bounds of the interval for which live readings are gathered. */
  minIntervalMs: number
  maxIntervalMs: number
  /** Largest message. */
  maxBytes: number
  retry: RetryPolicy
}

const nobodyInFlight: DeliveryStatus = { inFlight: 0, lanes: { live: 0, backlog: 0 }, tooLarge: 0 }
const notOnboarded = 'this box has not been onboarded'
/** Until a configuration has come, nobody calls us. */
const configurationLookMs = 1_000

export function createUplink(deps: UplinkDeps, config: UplinkConfig): Uplink {
  const { identity, outbox, clock, random } = deps
  const log = deps.log.child({ part: 'uplink' })
  type Link = Pick<UplinkStatus, 'state' | 'reason' | 'target' | 'kind' | 'format' | 'protocol'>
  let link: Link = { state: 'waiting', reason: notOnboarded }
  const delivered: Pick<
    UplinkStatus,
    'acknowledgedBatches' | 'acknowledgedReadings' | 'lastAckAt' | 'leftOut'
  > = { acknowledgedBatches: 0, acknowledgedReadings: 0 }
  const traffic = noTraffic()
  let delivery: Delivery | undefined
  /** Why the last session ended or could not be had. */
  let failure: string | undefined
  /** Attempts since the last acknowledgement. */
  let attempt = 0
  let change = Promise.withResolvers<void>()
  const versions = createVersions()
  const events: SessionEvents = {
    verdicts: {
      acknowledged: (...said) => delivery?.acknowledged(...said),
      rejected: (...said) => delivery?.rejected(...said),
    },
    onLeftOut(count) {
      if (count > 0) delivered.leftOut = (delivered.leftOut ?? 0) + count
    },
  }

  identity.onChange(() => {
    change.resolve()
    change = Promise.withResolvers()
  })
  outbox.onPending((urgent) => delivery?.wake(urgent))

  /** The membership, and what resolves when it is no longer this one. */
  async function onboarded(signal: AbortSignal): Promise<{ membership: Membership; changed: Promise<void> }> {
    for (;;) {
      const changed = change.promise
      const membership = await identity.onboarded(signal)
      if (changed === change.promise) return { membership, changed } // else it came, or changed, meanwhile
    }
  }

  /**
   * One session, from waiting for an identity to the end. Resolves when the next is due at once, for a
   * fresh token or another membership; rejects with what went wrong.
   */
  async function session(signal: AbortSignal): Promise<void> {
    link = { state: 'waiting', reason: notOnboarded }
    const { membership, changed } = await onboarded(signal)
    const route = routeOf(membership, config, deps.configurationId())
    if ('reason' in route) {
      link = { state: 'waiting', reason: route.reason }
      await Promise.race([changed, clock.sleep(configurationLookMs, signal), aborted(signal)])
      return
    }
    const { kind, target, format } = route
    const why = failure === undefined ? {} : { reason: failure }
    link = { state: 'connecting', ...why, kind, target, format }
    await using opened = await open(route, membership, signal)
    const { farSide, protocol } = opened
    delivery = createDelivery(
      { outbox, farSide, clock, log, onSent, onDelivered, onTime: deps.onTime },
      { ...config, target },
    )
    // Over HTTP nothing is known of the far side before it has taken something.
    if (kind === 'mqtt' || failure === undefined) connected({ kind, target, format, protocol })
    else link = { ...link, protocol }
    await Promise.race([opened.run(signal), delivery.run(signal), changed])
  }

  function open(
    route: Exclude<Route, { reason: string }>,
    membership: Membership,
    signal: AbortSignal,
  ): Promise<Session> {
    const sessionDeps = { ...deps, ...events, log, versions }
    return route.kind === 'mqtt'
      ? openMqttSession(sessionDeps, config, { ...route, membership }, signal)
      : openMindConnectSession(sessionDeps, config, { ...route, membership }, signal)
  }

  function connected(to: Omit<Link, 'state' | 'reason'>): void {
    failure = undefined
    traffic.connections++
    link = { ...to, state: 'connected' }
    log.info({ target: to.target, protocol: to.protocol }, 'uplink connected')
  }

  function onSent(batches: number, bytes: number): void {
    traffic.messages++
    traffic.batches += batches
    traffic.bytes += bytes
  }

  function onDelivered(batches: number, readings: number): void {
    attempt = 0
    delivered.acknowledgedBatches += batches
    delivered.acknowledgedReadings += readings
    delivered.lastAckAt = clock.now()
    if (link.state !== 'connecting') return
    const { reason: _past, ...to } = link
    connected(to)
  }

  async function pause(error: unknown, signal: AbortSignal): Promise<void> {
    traffic.failures++
    const delayMs = delayAfter(error, attempt++, config.retry, random)
    const level = error instanceof EdgeError ? 'warn' : 'error'
    log[level]({ err: error, delayMs }, 'uplink lost')
    failure = error instanceof Error ? error.message : String(error)
    const { protocol: _ended, ...to } = link
    link = { ...to, state: 'disconnected', reason: failure }
    await clock.sleep(delayMs, signal).catch(() => {}) // the loop sees the abort
  }

  return {
    status() {
      const { tooLarge, ...flight } = delivery?.status() ?? nobodyInFlight
      return { ...link, ...delivered, ...flight, ...(tooLarge === 0 ? {} : { tooLarge }) }
    },
    traffic: () => ({ ...traffic }),
    async run(signal) {
      while (!signal.aborted) {
        const over = new AbortController()
        const outcome = session(AbortSignal.any([signal, over.signal])).finally(() => {
          over.abort()
          delivery = undefined
        })
        await outcome.catch((error) => (signal.aborted ? undefined : pause(error, signal)))
      }
    },
  }
}
