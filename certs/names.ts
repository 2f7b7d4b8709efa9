import type { X509Certificate } from 'node:crypto'
import { isIP, SocketAddress } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { Invalid } from '../core/errors.ts'

/** How this box is called on its network. */
export interface Network {
  hostName: string
  /** IPv4 and IPv6, without zones. */
  addresses: readonly string[]
}

export function thisNetwork(): Network {
  const interfaces = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  return { hostName: hostname(), addresses: interfaces.map(({ address }) => address) }
}

/**
 * What the server certificate answers to, sorted, each name once: localhost, the host name, every
 * address but the link-local ones of IPv6 (they change and need a zone), and the configured names.
 * Throws `Invalid` for a configured name that no certificate can hold.
 */
export function serverNames({ hostName, addresses }: Network, configured: readonly string[]): string[] {
  const wrong = configured.filter((name) => !isCertifiable(name))
  if (wrong.length > 0)
    throw new Invalid(
      `certs.names: ${wrong.map((name) => JSON.stringify(name)).join(', ')}: no host name or address`,
      {
        cure: 'For example names = ["press-1.plant.local", "192.168.0.10"].',
      },
    )
  const found = ['localhost', hostName, ...addresses.filter((address) => !/^fe[89ab]/i.test(address))]
  const names = [...found.filter(isCertifiable), ...configured].map(canonical)
  return [...new Set(names)].sort()
}

const isCertifiable = (name: string): boolean =>
  isIP(name) !== 0 || /^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(name)

/** One spelling for each name. */
function canonical(name: string): string {
  const family = isIP(name)
  if (family === 0) return name.toLowerCase()
  return new SocketAddress({ address: name, family: family === 4 ? 'ipv4' : 'ipv6' }).address
}

/** What a certificate answers to, spelled as `serverNames` does. */
export const certifiedNames = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName
    .split(', ')
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? [])
    .map(canonical)
    .sort()

/** Exactly these names, no more. */
export const certifies = (certificate: X509Certificate, names: readonly string[]): boolean =>
  certifiedNames(certificate).join() === [...names].sort().join()
