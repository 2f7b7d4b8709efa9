import type { Socket } from 'node:net'
import { Aedes } from 'aedes'
import type { Gauge } from '../core/gauge.ts'
import { writeNumbersAsTheyCome } from '../core/mqtt-numbers.ts'
import { packetWatch } from '../core/mqtt-packets.ts'
import { type AccessDeps, createAccess } from './access.ts'
import { createApps } from './apps.ts'
import { brokerGauges } from './gauges.ts'
import { type Listener, openListener } from './listener.ts'
import type { Seen } from './tally.ts'
import { throttle } from './throttle.ts'

export { mayPublish } from './rights.ts'

/** MQTT 3.1.1 for the apps on this box. An app signs in with its client id as user name and its secret. */
export interface Broker extends AsyncDisposable {
  readonly addresses: { readonly mqtt: string; readonly mqtts?: string }
  /** Ends every connection of the app, also one whose secret is being checked at this moment. */
  disconnect(clientId: string): void
  /** New connections over TLS see this certificate; those that are there go on. */
  useCertificate(tls: BrokerConfig['tls']): void
  /** How the app does; undefined while it has never connected. */
  seen(clientId: string): Seen | undefined
  gauges(): Gauge[]
}

/**
 * `authenticate` decides who may connect; `offer` takes a message when its topic is a measurement (and
 * is undefined otherwise): it is acknowledged when that promise resolves, and when it rejects the
 * connection is closed instead, so that the app sends it again. While promises are open, an app that
 * sends more than a little waits; what is no measurement, and other apps, do not.
 */
export type BrokerDeps = AccessDeps

export interface BrokerConfig {
  /** host:port */
  listen: string
  tlsListen?: string
  /** PEM. */
  tls: { cert: string; key: string }
}

const maxPacketBytes = 256 * 1024
/** From the connection to its CONNECT. */
const connectTimeout = 10_000
/** A subscriber that reads nothing for this long is disconnected. */
const drainTimeout = 10_000

/** Throws `AddressInUse`. */
export async function openBroker(deps: BrokerDeps, config: BrokerConfig): Promise<Broker> {
  const { log, random, clock } = deps
  const apps = createApps(clock)
  const access = createAccess(deps, apps)
  await using held = new AsyncDisposableStack()

  writeNumbersAsTheyCome()
  const aedes = await Aedes.createBroker({
    ...access.hooks,
    id: random.uuid(),
    concurrency: 0, // a limit is shared by all: one frozen subscriber would hold everybody's messages
    connectTimeout,
    drainTimeout,
    maxClientsIdLength: 65_535,
  })
  held.defer(() => new Promise((resolve) => aedes.close(() => resolve())))
  aedes.on('clientError', (client, error) =>
    log.debug({ client: client.id, err: error }, 'connection failed'),
  )
  aedes.on('connectionError', (_client, error) => log.debug({ err: error }, 'connection failed'))
  aedes.on('error' as 'closed', (error?: Error) => log.error({ err: error }, 'broker failed'))

  const serve = (socket: Socket) => {
    const client = aedes.handle(socket)
    throttle(socket, () => access.isFull(client))
    const isTooLarge = packetWatch()
    socket.on('data', (chunk) => {
      if (!isTooLarge(chunk, maxPacketBytes)) return
      log.warn({ maxPacketBytes }, 'connection closed: packet too large')
      socket.destroy()
    })
  }
  const open = async (listen: string, setting: string, tls?: BrokerConfig['tls']): Promise<Listener> =>
    held.use(await openListener({ serve, log }, { listen, setting, ...(tls ? { tls } : {}) }))

  const plain = await open(config.listen, 'broker.listen')
  const secure =
    config.tlsListen === undefined ? undefined : await open(config.tlsListen, 'broker.tls_listen', config.tls)

  const all = held.move()
  return {
    addresses: { mqtt: plain.url, ...(secure ? { mqtts: secure.url } : {}) },
    disconnect(clientId) {
      for (const client of apps.find(clientId)?.connections ?? []) client.close()
    },
    useCertificate: (tls) => secure?.useCertificate(tls),
    seen: (clientId) => apps.find(clientId)?.tally.seen,
    gauges: () => brokerGauges(access.counts),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
