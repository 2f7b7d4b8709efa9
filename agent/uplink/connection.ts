import type { Duplex } from 'node:stream'
import { connect, MqttClient } from 'mqtt'
import { type Network, Unreachable, unreachable } from '../../core/net/index.ts'
import { ConnectionRefused } from './errors.ts'

export interface ConnectionOptions {
  /** `mqtts://host:port`, `wss://host:port/path`; `mqtt:` and `ws:` for this machine only. */
  target: string
  clientId: string
  username: string
  password: string
  /** Filter of what the far side sends. */
  inbound: string
  /** PEM of an authority trusted besides the usual ones. */
  ca?: string | undefined
  onMessage(topic: string, payload: Buffer): void
}

/** One MQTT 3.1.1 connection, used once: it never reconnects by itself. */
export interface Connection extends AsyncDisposable {
  /** At QoS 1; when the connection ends before it got through, nobody is told. */
  publish(topic: string, payload: Uint8Array): void
  /** Rejects when the connection ends, with what ended it; never resolves. */
  readonly ended: Promise<never>
}

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
  const client = startClient(options, await connectTo(new URL(target), { ca, signal }))
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
    const connected = new Promise<void>((resolve) => client.once('connect', () => resolve()))
    await Promise.race([connected, ended.promise])
    await Promise.race([client.subscribeAsync(inbound, { qos: 1 }), ended.promise])
  } catch (error) {
    await close()
    throw error
  }
  return {
    publish: (topic, payload) => void client.publish(topic, payload as Buffer, { qos: 1 }, () => {}),
    ended: ended.promise,
    [Symbol.asyncDispose]: close,
  }
}

/** MQTT over a connection that is ready; over WebSocket, its handshake comes first. */
function startClient({ target, clientId, username, password }: ConnectionOptions, ready: Duplex): MqttClient {
  const options = {
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    clientId,
    username,
    password,
  } as const
  return /^wss?:/.test(target)
    ? connect(target, { ...options, wsOptions: { createConnection: () => ready } })
    : new MqttClient(() => ready, options)
}

function reasonOf(target: string, error: Error): Error {
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? new ConnectionRefused(target, error) : unreachable(target, error)
}
