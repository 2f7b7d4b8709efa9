import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { type Network, refusePlaintext } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import { delayAfter, type RetryPolicy, retrying } from '../../core/retry.ts'
import { aborted } from '../../core/tasks.ts'
import { agentTopics, mqttClientId } from '../../protocol/topics.ts'
import type { ToldTime } from '../hub-time.ts'
import type { AccessToken, Identity, Membership } from '../identity.ts'
import type { Outbox } from '../outbox/index.ts'
import { type Connection, openConnection } from './connection.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { ConnectionRefused } from './errors.ts'
import { createInbox } from './inbox.ts'

/** Delivers batches to the hub and tells what the hub announces. */
export interface Uplink {
  /** Connects, delivers and reconnects until aborted. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  status(): UplinkStatus
}

export interface UplinkStatus {
  state: 'waiting' | 'connecting' | 'connected' | 'disconnected'
  /** Why it is not connected, for people. */
  reason?: string
  /** Address of the far side. */
  target?: string
  /** Batches sent and not acknowledged. */
  inFlight: number
  /** Since this start. */
  acknowledgedBatches: number
  /** Epoch milliseconds of the last acknowledgement. */
  lastAckAt?: number
}

export interface UplinkDeps {
  connect: Network['connect']
  identity: Pick<Identity, 'onboarded' | 'onChange' | 'accessToken' | 'forget'>
  outbox: Pick<Outbox, 'pending' | 'acknowledge' | 'onCommit'>
  clock: Clock
  random: Random
  log: Logger
  /** The configuration with this eTag is to be fetched; undefined: a newer one, if there is any. */
  onConfiguration(eTag: string | undefined): void
  /** The hub told its time. */
  onTime(told: ToldTime): void
}

export interface UplinkConfig {
  /** Batches sent and not yet acknowledged. */
  window: number
  /** The connection is given up when the oldest of them is older. */
  ackTimeoutMs: number
  retry: RetryPolicy
}

export function createUplink(deps: UplinkDeps, config: UplinkConfig): Uplink {
  const { identity, outbox, clock, random, onConfiguration } = deps
  const log = deps.log.child({ part: 'uplink' })
  let link: Pick<UplinkStatus, 'state' | 'reason' | 'target'> = { state: 'waiting', reason: notOnboarded }
  let delivered: Pick<UplinkStatus, 'acknowledgedBatches' | 'lastAckAt'> = { acknowledgedBatches: 0 }
  let delivery: Delivery | undefined
  /** Why the last connection ended or could not be made. */
  let failure: string | undefined
  /** Attempts since the last acknowledgement. */
  let attempt = 0
  let change = Promise.withResolvers<void>()

  identity.onChange(() => {
    change.resolve()
    change = Promise.withResolvers()
  })
  outbox.onCommit(() => delivery?.wake())
  const inbox = createInbox({ onAck: (ack) => delivery?.acknowledge(ack), onConfiguration, log })

  /**
   * One connection, from waiting for an identity to the end. Resolves when the next is due at once, for
   * a fresh token or another membership; rejects with what went wrong.
   */
  async function session(signal: AbortSignal): Promise<void> {
    const changed = change.promise
    link = { state: 'waiting', reason: notOnboarded }
    const membership = await identity.onboarded(signal)
    const where = targetOf(membership)
    if ('reason' in where) {
      link = { state: 'waiting', reason: where.reason }
      await Promise.race([changed, aborted(signal)])
      return
    }
    const { target } = where
    link = { state: 'connecting', target, ...(failure === undefined ? {} : { reason: failure }) }
    const token = await identity.accessToken(signal)
    await using connection = await connect(target, membership, token, signal)
    failure = undefined
    link = { state: 'connected', target }
    log.info({ target }, 'uplink connected')
    onConfiguration(undefined)
    const { batch } = agentTopics(membership.tenant, membership.agentId)
    delivery = createDelivery(
      {
        outbox,
        clock,
        send: (payload) => connection.publish(batch, payload),
        onDelivered,
        onTime: deps.onTime,
      },
      { target, ...config },
    )
    await Promise.race([connection.ended, delivery.run(signal), renewed(token, signal), changed])
  }

  async function connect(
    target: string,
    { tenant, agentId, ca }: Membership,
    { token }: AccessToken,
    signal: AbortSignal,
  ): Promise<Connection> {
    const topics = agentTopics(tenant, agentId)
    const options = {
      target,
      clientId: mqttClientId(tenant, agentId),
      username: agentId,
      password: token,
      inbound: topics.inbound,
      ca,
      onMessage: (topic: string, payload: Buffer) => inbox(topics, topic, payload),
    }
    try {
      return await openConnection(deps.connect, options, signal)
    } catch (error) {
      if (error instanceof ConnectionRefused) identity.forget(token)
      throw error
    }
  }

  /** Resolves when the next token is there; until then the connection serves on. */
  async function renewed({ renewAt }: AccessToken, signal: AbortSignal): Promise<void> {
    await clock.sleep(renewAt - clock.monotonic(), signal)
    await retrying(() => identity.accessToken(signal), config.retry, { clock, random }, signal)
  }

  function onDelivered(batches: number): void {
    attempt = 0
    delivered = {
      acknowledgedBatches: delivered.acknowledgedBatches + batches,
      lastAckAt: clock.now(),
    }
  }

  async function pause(error: unknown, signal: AbortSignal): Promise<void> {
    const delayMs = delayAfter(error, attempt++, config.retry, random)
    const level = error instanceof EdgeError ? 'warn' : 'error'
    log[level]({ err: error, delayMs }, 'uplink lost')
    failure = error instanceof Error ? error.message : String(error)
    link = { ...link, state: 'disconnected', reason: failure }
    await clock.sleep(delayMs, signal).catch(() => {}) // the loop sees the abort
  }

  return {
    status: () => ({ ...link, ...delivered, inFlight: delivery?.inFlight() ?? 0 }),
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

const notOnboarded = 'this box has not been onboarded'

/** Where to connect to, or why we cannot. */
function targetOf({ mqtt }: Membership): { target: string } | { reason: string } {
  if (mqtt === undefined) return { reason: 'the boarding configuration names no MQTT address' }
  try {
    refusePlaintext(new URL(mqtt))
    return { target: mqtt }
  } catch (error) {
    return { reason: (error as Error).message }
  }
}
