import { readFileSync } from 'node:fs'
import { Invalid } from '../errors.ts'
import { createBypass } from './bypass.ts'
import type { HttpProxy } from './proxy.ts'

/** Every part may be left out: no proxy, the usual authorities, no client certificate. Names are paths. */
export interface NetworkConfig {
  /** `http://host:port` or `https://host:port` of a proxy that does CONNECT. */
  proxyUrl?: string
  /** File that holds `user:password` for the proxy. */
  credentialsFile?: string
  /** See `createBypass`. */
  noProxy?: readonly string[]
  /** PEM of further authorities to trust. */
  caFile?: string
  /** PEM of a certificate by which the box shows who it is, and of its key. */
  clientCertFile?: string
  clientKeyFile?: string
  /** From the DNS to the end of the TLS handshake; 10 s unless told. */
  connectTimeoutMs?: number
  /** For a whole HTTP exchange; 30 s unless told. */
  timeoutMs?: number
}

/** What the files say is read once. Throws `Invalid` that names the setting. */
export function readConfig(config: NetworkConfig) {
  const { clientCertFile, clientKeyFile } = config
  if ((clientCertFile === undefined) !== (clientKeyFile === undefined))
    throw new Invalid('proxy.client_cert and proxy.client_key go together')
  const cert = readSetting('proxy.client_cert', clientCertFile)
  const key = readSetting('proxy.client_key', clientKeyFile)
  const ca = readSetting('proxy.ca_file', config.caFile)
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new Invalid(`proxy.ca_file: ${config.caFile} holds no certificate (PEM)`)
  return {
    proxy: readProxy(config),
    bypass: createBypass(config.noProxy ?? []),
    ca: ca === undefined ? [] : [ca],
    client: cert === undefined || key === undefined ? undefined : { cert, key },
    connectTimeoutMs: config.connectTimeoutMs ?? 10_000,
    timeoutMs: config.timeoutMs ?? 30_000,
  }
}

function readProxy({ proxyUrl, credentialsFile }: NetworkConfig): HttpProxy | undefined {
  if (proxyUrl === undefined) return undefined
  const url = URL.parse(proxyUrl)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Invalid(`proxy.url: ${proxyUrl} is not http(s)://host`)
  if (url.username !== '')
    throw new Invalid('proxy.url holds credentials', {
      cure: 'Put user:password into a file that only the daemon can read, and name it in proxy.credentials_file.',
    })
  const credentials = readSetting('proxy.credentials_file', credentialsFile)?.trim()
  if (credentials !== undefined && !/^[^:\s]+:.+$/.test(credentials))
    throw new Invalid(`proxy.credentials_file: ${credentialsFile} does not hold one line user:password`)
  return { url, credentials }
}

function readSetting(setting: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Invalid(`${setting}: ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
