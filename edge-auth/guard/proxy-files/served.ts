import type { Gate } from '../rules.ts'

/** What a file names besides the apps. */
export interface ProxyFileConfig {
  /** Path of proxy.sock. */
  socket: string
  /** host:port of the apps listener, for a proxy that does not speak to Unix sockets. */
  listen: string
  /** Paths of the certificate that the proxy shows, and of its key. */
  cert: string
  key: string
}

export type ServedGate = Gate & { upstream: string }
