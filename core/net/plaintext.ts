import { Invalid } from '../errors.ts'

const secure = ['https:', 'mqtts:', 'wss:']
const clear = ['http:', 'mqtt:', 'ws:']

/** Credentials and telemetry leave the machine over TLS only. Throws `Invalid`. */
export function refusePlaintext(url: URL): void {
  if (secure.includes(url.protocol)) return
  if (!clear.includes(url.protocol)) throw new Invalid(`${url.protocol}// is not a scheme for ${url.host}`)
  if (isLoopback(url.hostname)) return
  throw new Invalid(`${url.protocol}//${url.host} would go over the network in clear text`, {
    cure: 'Serve the far side over TLS; plain text is allowed on 127.0.0.1, ::1 and localhost only.',
  })
}

export const isSecure = (url: URL): boolean => secure.includes(url.protocol)

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
