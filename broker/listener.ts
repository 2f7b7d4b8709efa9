import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { AddressInUse, boundUrl, isListenError, parseListen } from '../core/http-server.ts'
import type { Logger } from '../core/log.ts'

export interface Listener extends AsyncDisposable {
  /** `mqtt://127.0.0.1:1883`, as it was really bound. */
  readonly url: string
  /** New connections see this certificate; those that are there go on. For a listener that speaks TLS. */
  useCertificate(tls: Pem): void
}

/** PEM. */
export interface Pem {
  cert: string
  key: string
}

export interface ListenerConfig {
  /** host:port */
  listen: string
  /** Key of the configuration, named when the address is taken. */
  setting: string
  /** Plain TCP without. */
  tls?: Pem
}

/** For each listener; a machine's own apps need far fewer. */
const maxConnections = 1_000
const handshakeTimeout = 10_000
const minVersion = 'TLSv1.2'

/** Accepts connections until disposed, which ends those that are left. Throws `AddressInUse`. */
export async function openListener(
  { serve, log }: { serve(socket: Socket): void; log: Logger },
  { listen, setting, tls }: ListenerConfig,
): Promise<Listener> {
  const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
  const secure = tls && createTlsServer({ ...options, ...tls, minVersion, handshakeTimeout }, serve)
  const server = secure ?? createServer(options, serve)
  server.maxConnections = maxConnections
  server.on('drop', () => log.warn({ setting, maxConnections }, 'connection dropped: too many'))
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'TLS handshake failed'))

  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await bind(server, listen, setting)
  server.on('error', (error) => log.error({ err: error, setting }, 'listener failed'))
  return {
    url: boundUrl(tls ? 'mqtts' : 'mqtt', server.address() as AddressInfo),
    useCertificate: ({ cert, key }) => secure?.setSecureContext({ cert, key, minVersion }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function bind(server: Server, listen: string, setting: string): Promise<void> {
  server.listen(parseListen(listen))
  try {
    await once(server, 'listening')
  } catch (error) {
    if (isListenError(error)) throw new AddressInUse(listen, setting, error)
    throw error
  }
}
