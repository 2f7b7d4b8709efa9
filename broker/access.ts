import type { AedesOptions, AuthenticateError, Client, PublishPacket } from 'aedes'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { App, Apps } from './apps.ts'
import { type Counts, type Denial, noCounts } from './counts.ts'
import { type AppRights, mayPublish, maySubscribe } from './rights.ts'

export interface AccessDeps {
  authenticate(clientId: string, secret: string): boolean | Promise<boolean>
  offer(topic: string, payload: Buffer): Promise<void> | undefined
  /** Whether `offer` would take it. */
  isMeasurement(topic: string): boolean
  /** What the app may at this moment; undefined: nothing any more. */
  rightsOf(app: string): AppRights | undefined
  /** Told at most once a minute: how many messages had to wait, and how many were refused. */
  overQuota(app: string, since: { slowed: number; refused: number }): void
  clock: Clock
  log: Logger
  random: Random
}

type Hooks = Required<
  Pick<
    AedesOptions,
    'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'
  >
>

/** While the disk stalls, a connection is read until this much of it waits … */
const maxConnectionBytes = 64 * 1024
/** … and no further at all while all connections of its app have this much waiting. */
const maxAppBytes = 1024 * 1024
/** Only an app that spreads over very many connections comes to this; the connection is closed. */
const maxWaitingBytes = 16 * 1024 * 1024
/** A subscriber that does not read its messages may have this much waiting for it. */
const maxUnreadBytes = 8 * 1024 * 1024
const perMessageBytes = 256

const badSecret = 4
const serverUnavailable = 3

interface Storing {
  app: App
  client: Client
  topic: string
  stored: Promise<void>
  cost: number
}

export interface Access {
  /** As aedes asks it. An error given to aedes closes the connection. */
  readonly hooks: Hooks
  readonly counts: Readonly<Counts>
  /** Enough of what the connection has sent waits for the disk. */
  isFull(client: Client): boolean
}

/** Who may connect and what they may do. */
export function createAccess(deps: AccessDeps, apps: Apps): Access {
  const { authenticate, offer, isMeasurement, rightsOf, log, random, clock } = deps
  const counts = noCounts()
  /** Bytes of messages that wait for the disk. */
  const waiting = new WeakMap<Client, number>()
  const waitingOf = (client: Client): number => waiting.get(client) ?? 0
  /** Messages that wait for the quota of their app. */
  const held = new WeakMap<Client, number>()

  async function admit(client: Client, name = '', secret = ''): Promise<boolean> {
    const app = secret === '' ? undefined : apps.claim(name, client)
    if (!app || !(await authenticate(name, secret))) return false
    app.admitted = true
    app.tally.connected()
    counts.connections++
    counts.connected++
    client.conn.once('close', () => {
      app.tally.disconnected()
      counts.connections--
    })
    client.id = app.name + client.id
    return true
  }

  function denied(app: App | undefined, reason: Denial, topic: string): Error {
    counts.denied[reason]++
    app?.tally.denied(`${reason}: ${topic.slice(0, 256)}`)
    if (app && seldom(++app.faults)) log.warn({ app: app.name, topic, reason, faults: app.faults }, 'denied')
    return new Error(reason)
  }

  function demandTopic(app: App, topic: string): void {
    const rights = rightsOf(app.name)
    if (!rights || !mayPublish(app.name, topic, rights.publish))
      throw denied(app, 'not a topic of this app', topic)
    if (!rights.writesTimeSeries && isMeasurement(topic))
      throw denied(app, 'may not write time series', topic)
  }

  /** How long a message has to wait for the quota of its app. */
  function waitFor(app: App, topic: string, payloadBytes: number): number {
    const quota = rightsOf(app.name)?.quota ?? { messages: null, bytes: null }
    const waitMs = app.meter.take(quota, payloadBytes + topic.length)
    if (waitMs === 0) return 0
    if (waitMs !== undefined) counts.slowed++
    app.tally.overQuota(waitMs === undefined ? 'refused' : 'slowed', (since) =>
      deps.overQuota(app.name, since),
    )
    if (waitMs === undefined) throw denied(app, 'over its quota', topic)
    return waitMs
  }

  /** Nothing more is read from the connection meanwhile. Rejects when it closes. */
  async function hold(client: Client, waitMs: number): Promise<void> {
    const count = (change: number) => held.set(client, (held.get(client) ?? 0) + change)
    const gone = new AbortController()
    const end = () => gone.abort()
    client.conn.once('close', end)
    count(1)
    try {
      await clock.sleep(waitMs, gone.signal)
    } finally {
      client.conn.off('close', end)
      count(-1)
    }
  }

  /** Resolves when the message may be acknowledged and passed on. Rejects when it may not. */
  async function take(client: Client | null, { topic, payload, retain }: PublishPacket): Promise<void> {
    const app = client ? apps.of(client) : undefined
    if (!client || !app) throw denied(app, 'not a topic of this app', topic)
    demandTopic(app, topic)
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    if (retain && !app.retain(topic, bytes.length)) throw denied(app, 'too much retained', topic)
    if (app.waitingBytes > maxWaitingBytes) throw denied(app, 'too much waits for the disk', topic)
    const waitMs = waitFor(app, topic, bytes.length)
    if (waitMs > 0) {
      await hold(client, waitMs)
      demandTopic(app, topic) // it may have changed meanwhile
    }
    app.tally.published()
    counts.published++
    counts.publishedBytes += bytes.length
    const stored = offer(topic, bytes)
    if (stored) await untilStored({ app, client, topic, stored, cost: bytes.length + perMessageBytes })
    if (retain) app.retained(topic, bytes.length)
  }

  /** Counted as waiting meanwhile. Rejects when it was not stored. */
  async function untilStored({ app, client, topic, stored, cost }: Storing): Promise<void> {
    const count = (bytes: number) => {
      app.waitingBytes += bytes
      waiting.set(client, waitingOf(client) + bytes)
    }
    count(cost)
    try {
      await stored
    } catch (error) {
      counts.notStored++
      if (seldom(++app.faults)) log.warn({ err: error, app: app.name, topic }, 'measurement not stored')
      throw error
    } finally {
      count(-cost)
    }
  }

  const hooks: Hooks = {
    /**
     * aedes ends an older connection of the same id, so ids carry their app's name: `press/line-1`.
     * Until the secret is checked the name is empty, and no app is called that.
     * Sessions end with their connection: what aedes would keep for the next one is neither bounded nor
     * on disk, so it must not look as if it were kept.
     */
    preConnect(_client, packet, done) {
      packet.clientId = `/${packet.clientId || random.uuid()}`
      packet.clean = true
      done(null, true)
    },

    authenticate(client, name, password, done) {
      admit(client, name, password?.toString()).then(
        (admitted) => {
          if (!admitted && seldom(++counts.refused))
            log.warn({ app: name?.slice(0, 64), refused: counts.refused }, 'connection refused')
          if (admitted) done(null, true)
          else done(refusal(badSecret), false)
        },
        (error) => {
          counts.refused++
          log.error({ err: error }, 'a secret could not be checked')
          done(refusal(serverUnavailable), false)
        },
      )
    },

    authorizePublish(client, packet, done) {
      take(client, packet).then(() => done(null), done)
    },

    authorizeSubscribe(client, subscription, done) {
      const app = apps.of(client)
      const granted = app && rightsOf(app.name)?.subscribe
      if (app && granted && maySubscribe(app.name, subscription.topic, granted))
        return done(null, subscription)
      denied(app, 'not a topic of this app', subscription.topic)
      done(null, null) // 0x80 for this filter; the connection and its other filters stay
    },

    authorizeForward(client, packet) {
      if (client.conn.writableLength <= maxUnreadBytes) return packet
      denied(apps.of(client), 'does not read its messages', packet.topic)
      client.close()
      return null
    },
  }
  return {
    hooks,
    counts,
    isFull(client) {
      if ((held.get(client) ?? 0) > 0) return true
      const own = waitingOf(client)
      return own > maxConnectionBytes || (own > 0 && (apps.of(client)?.waitingBytes ?? 0) > maxAppBytes)
    },
  }
}

const refusal = (returnCode: number): AuthenticateError =>
  Object.assign(new Error(), { returnCode }) as AuthenticateError

/** The 1st, 2nd, 4th, 8th …: a fault that repeats for ever neither floods the log nor vanishes from it. */
const seldom = (count: number): boolean => (count & (count - 1)) === 0
