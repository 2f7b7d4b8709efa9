import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { AddressInUse, boundUrl, isListenError, parseListen } from '../../core/http-server.ts'
import type { Logger } from '../../core/log.ts'
import { type Link, openLink } from './link.ts'

export interface Listener extends AsyncDisposable {
  /** `mqtt://host:port`, or `mqtts://…`. */
  readonly address: string
}

export interface ListenerConfig {
  /** `host:port`; port 0 takes any. */
  listen: string
  /** PEM; TLS only, then. */
  tls?: { cert: string; key: string }
}

/** Accepts connections; disposing ends them all. Throws `AddressInUse`. */
export async function openListener(
  { handle, log }: { handle: (link: Link) => void; log: Logger },
  { listen, tls }: ListenerConfig,
): Promise<Listener> {
  const accept = (socket: Socket) => handle(openLink(socket, log))
  const server = tls
    ? createTlsServer({ cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' }, accept)
    : createServer(accept)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    socket.setNoDelay(true) // PUBACKs are small; held back for company, they would hold up the agent
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', (err) => log.debug({ err }, 'TLS handshake failed'))
  try {
    server.listen(parseListen(listen))
    await once(server, 'listening')
  } catch (error) {
    if (isListenError(error)) throw new AddressInUse(listen, 'hub.mqtt', error)
    throw error
  }
  server.on('error', (err) => log.error({ err }, 'MQTT listener failed'))
  return {
    address: boundUrl(tls ? 'mqtts' : 'mqtt', server.address() as AddressInfo),
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
