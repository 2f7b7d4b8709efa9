import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { IConnackPacket, MqttClient } from 'mqtt'
import { type Network, Unreachable, unreachable } from '../../core/net/index.ts'
import { ConnectionRefused, PublishRefused } from './errors.ts'

export interface ConnectionOptions {
  /** `mqtts://host:port`, `wss://host:port/path`; `mqtt:` and `ws:` for this machine only. */
  target: string
  /** Of MQTT: 5, or 4 for 3.1.1. */
  version: 4 | 5
  clientId: string
  username: string
  password: string
  /** Filter of what the far side sends. */
  inbound: string
  /** PEM of an authority trusted besides the usual ones. */
  ca?: string | undefined
  onMessage(topic: string, payload: Buffer): void
}

/** One MQTT connection, used once: it never reconnects by itself. */
export interface Connection extends AsyncDisposable {
  /** What the far side said it takes: packets without a PUBACK, and bytes of one packet. */
  readonly receiveMaximum: number
  readonly maximumPacketBytes: number | undefined
  /**
   * At QoS 1; resolves when the packet was handed over, which waits while Receive Maximum of them have no
   * PUBACK and while the socket takes no more. `onPuback` is not called when the connection ends before.
   */
  publish(topic: string, payload: Uint8Array, onPuback?: () => void): Promise<void>
  /** Rejects when the connection ends, with what ended it; never resolves. */
  readonly ended: Promise<never>
}

/** MQTT 5, 3.2.2.3.3: what holds when the far side names none. */
const defaultReceiveMaximum = 65_535

/**
 * Resolves when the far side has let us in and the inbound topics are subscribed. Throws `Invalid`
 * for clear text over the network, `Unreachable`, and `ConnectionRefused`.
 */
export async function openConnection(
  connectTo: Network['connect'],
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const { target, ca, inbound, onMessage } = options
  const { default: mqtt } = await import('mqtt') // not loaded on a box without a hub
  const client = startClient(mqtt, options, await connectTo(new URL(target), { ca, signal }))
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => {}) // the first reason counts, whether somebody waits by then or not
  client.on('error', (error) => ended.reject(reasonOf(target, error)))
  client.on('close', () => ended.reject(new Unreachable(target, 'answer', 'the connection was closed')))
  client.on('message', onMessage)
  const abort = () => ended.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', abort)
    client.off('message', onMessage)
    await client.endAsync(true)
  }

  try {
    signal.throwIfAborted()
    const connected = new Promise<IConnackPacket>((resolve) => client.once('connect', resolve))
    const { properties } = await Promise.race([connected, ended.promise])
    await Promise.race([client.subscribeAsync(inbound, { qos: 1 }), ended.promise])
    const receiveMaximum = properties?.receiveMaximum ?? defaultReceiveMaximum
    return {
      receiveMaximum,
      maximumPacketBytes: properties?.maximumPacketSize,
      publish: publishing(client, { target, receiveMaximum, ended }),
      ended: ended.promise,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** MQTT over a connection that is ready; over WebSocket, its handshake comes first. */
function startClient(
  mqtt: typeof import('mqtt'),
  { target, version, clientId, username, password }: ConnectionOptions,
  ready: Duplex,
): MqttClient {
  const options = {
    protocolVersion: version,
    clean: true,
    reconnectPeriod: 0,
    clientId,
    username,
    password,
  } as const
  return /^wss?:/.test(target)
    ? mqtt.connect(target, { ...options, wsOptions: { createConnection: () => ready } })
    : new mqtt.MqttClient(() => ready, options)
}

interface Publishing {
  target: string
  receiveMaximum: number
  ended: PromiseWithResolvers<never>
}

/** The MQTT client itself obeys neither Receive Maximum nor a socket that takes no more. */
function publishing(
  client: MqttClient,
  { target, receiveMaximum, ended }: Publishing,
): Connection['publish'] {
  let unanswered = 0
  let answered = Promise.withResolvers<void>()

  function onAnswer(error: Error | undefined, onPuback: () => void): void {
    unanswered--
    answered.resolve()
    answered = Promise.withResolvers()
    if (error === undefined) onPuback()
    else if (codeOf(error) !== undefined) ended.reject(new PublishRefused(target, error))
  }

  return async (topic, payload, onPuback = () => {}) => {
    for (;;) {
      if (unanswered >= receiveMaximum) await Promise.race([answered.promise, ended.promise])
      else if (client.stream.writableNeedDrain)
        await Promise.race([once(client.stream, 'drain').catch(() => ended.promise), ended.promise])
      else break
    }
    unanswered++
    client.publish(topic, payload as Buffer, { qos: 1 }, (error) => onAnswer(error ?? undefined, onPuback))
  }
}

function reasonOf(target: string, error: Error): Error {
  const code = codeOf(error)
  return code === undefined ? unreachable(target, error) : new ConnectionRefused(target, error, code)
}

/** MQTT's return or reason code; undefined for errors of the connection. */
function codeOf(error: Error): number | undefined {
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? code : undefined
}
