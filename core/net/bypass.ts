import { BlockList, isIP } from 'node:net'
import { Invalid } from '../errors.ts'
import { hostOf, portOf } from './address.ts'
import { isLoopback } from './plaintext.ts'

/** Whether a target is reached directly, past the proxy. */
export type Bypass = (target: URL) => boolean

/**
 * This machine always; of the list, a host name and all under it (`plant.example`, `.plant.example`),
 * an address, a network (`10.0.0.0/8`), each but a network with an optional port, or `*`. Throws `Invalid`.
 */
export function createBypass(noProxy: readonly string[]): Bypass {
  const rules = noProxy.map(ruleOf)
  return (target) => isLoopback(target.hostname) || rules.some((rule) => rule(target))
}

const withPort = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/

function ruleOf(entry: string): Bypass {
  if (entry === '*') return () => true
  if (entry.includes('/')) return networkRule(entry)
  const [, name = entry, port] = withPort.exec(entry) ?? [] // a bare IPv6 address does not fit
  const wanted = name.toLowerCase().replace(/^\*?\.|^\[|\]$/g, '')
  return (target) => {
    if (port !== undefined && Number(port) !== portOf(target)) return false
    const host = hostOf(target).toLowerCase()
    return host === wanted || (isIP(host) === 0 && host.endsWith(`.${wanted}`))
  }
}

function networkRule(entry: string): Bypass {
  const [address = '', prefix = ''] = entry.split('/')
  const type = (host: string) => (isIP(host) === 6 ? 'ipv6' : 'ipv4')
  const network = new BlockList()
  try {
    if (!/^\d+$/.test(prefix)) throw new Error('the length of its prefix is no number')
    network.addSubnet(address, Number(prefix), type(address))
  } catch (cause) {
    throw new Invalid(`proxy.no_proxy: ${entry} is not a network such as 10.0.0.0/8`, { cause })
  }
  return (target) => {
    const host = hostOf(target)
    return isIP(host) !== 0 && network.check(host, type(host))
  }
}
