import { parseListen } from '../core/http-server.ts'
import { NoPublicAddress } from './errors.ts'

export interface AddressConfig {
  /** `host:port` of the listeners. */
  http: string
  mqtt: string
  /** What agents use, where it is not the listening address. */
  publicUrl?: string | undefined
  publicMqtt?: string | undefined
  tls?: object | undefined
}

/** Under which URLs agents reach this hub. */
export interface Addresses {
  /** Of the REST side; no trailing slash. Throws `NoPublicAddress`. */
  base(): string
  /** Of both sides, as a boarding configuration holds them. Throws `NoPublicAddress`. */
  forAgents(): { baseUrl: string; mqtt: string }
  /** The listeners are open at these URLs. */
  bound(urls: { http: string; mqtt: string }): void
}

export function createAddresses({ http, mqtt, publicUrl, publicMqtt, tls }: AddressConfig): Addresses {
  let open: { http: string; mqtt: string } | undefined
  const secure = tls === undefined ? '' : 's'

  const base = () => {
    if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
    const url = open?.http ?? configuredUrl(`http${secure}`, http)
    if (url === undefined || isWildcard(url)) throw new NoPublicAddress('URL', 'hub.public_url')
    return url
  }
  const mqttUrl = () => {
    if (publicMqtt !== undefined) return publicMqtt.replace(/\/+$/, '')
    const url = open?.mqtt ?? configuredUrl(`mqtt${secure}`, mqtt)
    if (url === undefined) throw new NoPublicAddress('MQTT address', 'hub.public_mqtt')
    return `mqtt${secure}://${new URL(base()).hostname}:${new URL(url).port}`
  }
  return {
    base,
    forAgents: () => ({ baseUrl: base(), mqtt: mqttUrl() }),
    bound: (urls) => {
      open = urls
    },
  }
}

/** Undefined while the port is to be any. */
function configuredUrl(scheme: string, listen: string): string | undefined {
  const { host, port } = parseListen(listen)
  return port === 0 ? undefined : `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Listening on all addresses says none that an agent could use. */
const isWildcard = (url: string): boolean => ['0.0.0.0', '[::]'].includes(new URL(url).hostname)
