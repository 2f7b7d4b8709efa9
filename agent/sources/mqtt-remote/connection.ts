import type { Duplex } from 'node:stream'
import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt'
import { packetWatch } from '../../../core/mqtt-packets.ts'
import { type Network, Unreachable, unreachable } from '../../../core/net/index.ts'
import { DeviceError } from '../device-error.ts'
import { acknowledgeWhenKept } from './acknowledging.ts'
import { closed, refused, subscriptionRefused, tooLarge } from './faults.ts'

export interface ConnectionOptions {
  target: URL
  clientId: string
  /** The broker forgets what was before. */
  clean: boolean
  username?: string
  password?: string
  ca?: string | undefined
  clearText?: boolean | undefined
  qos: 0 | 1
  keepaliveS: number
  filters: readonly string[]
  /** A PUBACK goes out when it has resolved; the connection ends when it rejects. */
  keep(packet: IPublishPacket): Promise<void>
}

/** One connection to a broker, used once: it never reconnects by itself. */
export interface Connection extends AsyncDisposable {
  publish(topic: string, payload: Buffer): void
  /** Rejects when the connection ends, with what ended it; never resolves. */
  readonly ended: Promise<never>
}

/** Of one message, and for the broker to let us in. */
const maxPacketBytes = 1024 * 1024
const connectTimeoutMs = 10_000

/** Resolves when all is subscribed to. Throws `Unreachable`, `DeviceError`, or the signal's reason. */
export async function openConnection(
  connectTo: Network['connect'],
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const { target, ca, clearText, keep } = options
  const { default: mqtt } = await import('mqtt') // not loaded unless there is another broker to listen to
  const client = startClient(mqtt, options, await connectTo(target, { ca, clearText, signal }))
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => {}) // the first reason counts, whether somebody waits by then or not
  acknowledgeWhenKept(client, keep, ended.reject)
  const isTooLarge = packetWatch()
  client.stream.on('data', (chunk: Uint8Array) => {
    if (isTooLarge(chunk, maxPacketBytes)) ended.reject(tooLarge(target, maxPacketBytes))
  })
  client.on('error', (error) => ended.reject(reasonOf(target, error)))
  client.on('close', () => ended.reject(closed(target)))
  const abort = () => ended.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', abort)
    await client.endAsync(true)
  }
  // At once: what comes after a message that is too large or was not kept is not read.
  ended.promise.catch(() => client.stream.destroy())

  try {
    signal.throwIfAborted()
    await Promise.race([
      new Promise<void>((resolve) => client.once('connect', () => resolve())),
      ended.promise,
    ])
    await Promise.race([subscribe(client, options), ended.promise])
    return {
      publish: (topic, payload) => void client.publish(topic, payload, { qos: 0 }),
      ended: ended.promise,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** MQTT over a connection that is ready; over WebSocket, its handshake comes first. */
function startClient(mqtt: typeof import('mqtt'), options: ConnectionOptions, ready: Duplex): MqttClient {
  const { target, clientId, clean, username, password, keepaliveS } = options
  const settings: IClientOptions = {
    ...{ protocolVersion: 4, reconnectPeriod: 0, resubscribe: false, connectTimeout: connectTimeoutMs },
    ...{ clientId, clean, keepalive: keepaliveS },
    ...(username === undefined || password === undefined ? {} : { username, password }),
  }
  return /^wss?:$/.test(target.protocol)
    ? mqtt.connect(target.href, { ...settings, wsOptions: { createConnection: () => ready } })
    : new mqtt.MqttClient(() => ready, settings)
}

const refusedGrant = 128

async function subscribe(client: MqttClient, { target, filters, qos }: ConnectionOptions): Promise<void> {
  if (filters.length === 0) return
  const grants = await client.subscribeAsync([...filters], { qos })
  const [topic] = grants.flatMap((grant) => (grant.qos === refusedGrant ? [grant.topic] : []))
  if (topic !== undefined) throw subscriptionRefused(target, topic)
}

/** Numbers of the broker's refusal are in `code`, those of sockets are text. */
function reasonOf(target: URL, error: Error): Error {
  if (error instanceof DeviceError || error instanceof Unreachable) return error
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? refused(target, code, error) : unreachable(target.host, error)
}
