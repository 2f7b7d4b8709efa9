import type { AedesOptions, AuthenticateError, Client, PublishPacket } from 'aedes'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { App, Apps } from './apps.ts'
import { mayPublish, maySubscribe } from './rights.ts'

export interface AccessDeps {
  authenticate(clientId: string, secret: string): boolean | Promise<boolean>
  offer(topic: string, payload: Buffer): Promise<void> | undefined
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

export interface Access {
  /** As aedes asks it. An error given to aedes closes the connection. */
  readonly hooks: Hooks
  /** Enough of what the connection has sent waits for the disk. */
  isFull(client: Client): boolean
}

/** Who may connect and what they may do. */
export function createAccess({ authenticate, offer, log, random }: AccessDeps, apps: Apps): Access {
  let refused = 0
  /** Bytes of messages that wait for the disk. */
  const waiting = new WeakMap<Client, number>()
  const waitingOf = (client: Client): number => waiting.get(client) ?? 0

  async function admit(client: Client, name = '', secret = ''): Promise<boolean> {
    const app = secret === '' ? undefined : apps.claim(name, client)
    if (!app || !(await authenticate(name, secret))) return false
    app.admitted = true
    client.id = app.name + client.id
    return true
  }

  function denied(app: App | undefined, reason: string, topic: string): Error {
    if (app && seldom(++app.faults)) log.warn({ app: app.name, topic, reason, faults: app.faults }, 'denied')
    return new Error(reason)
  }

  /** Resolves when the message may be acknowledged and passed on. Rejects when it may not. */
  async function take(client: Client | null, { topic, payload, retain }: PublishPacket): Promise<void> {
    const app = client ? apps.of(client) : undefined
    if (!client || !app || !mayPublish(app.name, topic)) throw denied(app, 'not a topic of this app', topic)
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    if (retain && !app.retain(topic, bytes.length)) throw denied(app, 'too much retained', topic)
    if (app.waitingBytes > maxWaitingBytes) throw denied(app, 'too much waits for the disk', topic)
    const stored = offer(topic, bytes)
    if (!stored) return
    const cost = bytes.length + perMessageBytes
    const count = (bytes: number) => {
      app.waitingBytes += bytes
      waiting.set(client, waitingOf(client) + bytes)
    }
    count(cost)
    try {
      await stored
    } catch (error) {
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
          if (!admitted && seldom(++refused))
            log.warn({ app: name?.slice(0, 64), refused }, 'connection refused')
          if (admitted) done(null, true)
          else done(refusal(badSecret), false)
        },
        (error) => {
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
      if (app && maySubscribe(app.name, subscription.topic)) return done(null, subscription)
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
    isFull(client) {
      const own = waitingOf(client)
      return own > maxConnectionBytes || (own > 0 && (apps.of(client)?.waitingBytes ?? 0) > maxAppBytes)
    },
  }
}

const refusal = (returnCode: number): AuthenticateError =>
  Object.assign(new Error(), { returnCode }) as AuthenticateError

/** The 1st, 2nd, 4th, 8th …: a fault that repeats for ever neither floods the log nor vanishes from it. */
const seldom = (count: number): boolean => (count & (count - 1)) === 0
