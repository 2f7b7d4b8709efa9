import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { readIfReadable } from './processes.ts'

/** A TCP socket that takes connections. */
export interface Listening {
  /** As text; IPv6 in its short form, an IPv4 address within IPv6 as IPv4. */
  address: string
  port: number
  inode: string
}

/** State of a TCP socket that listens, as the kernel writes it. */
const listenState = '0A'

/** Undefined when the kernel does not show them here. */
export async function listeningSockets(proc = '/proc'): Promise<Listening[] | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readIfReadable(join(proc, 'net', name))))
  if (tables.every((table) => table === undefined)) return undefined
  return tables.flatMap((table = '') =>
    table
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listenState)
      .map((fields) => {
        const [address = '', port = ''] = (fields[1] ?? '').split(':')
        return { address: addressOf(address), port: Number.parseInt(port, 16), inode: fields[9] ?? '' }
      }),
  )
}

/** "0100007F" → "127.0.0.1": words of four bytes, each in the order of this machine, which is little-endian. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse()
  if (bytes.length === 4) return bytes.join('.')
  const isMapped = bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff'
  if (isMapped) return bytes.subarray(12).join('.')
  return shortForm((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'))
}

/** One spelling for each IPv6 address; anything else stays as it is. */
export const shortForm = (host: string): string =>
  host.includes(':') ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host

const isIpv6 = (address: string): boolean => address.includes(':')
const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::'

/** Whether a listener on `host` cannot be opened beside this socket. */
export function isInTheWay(socket: Listening, host: string, port: number): boolean {
  if (socket.port !== port) return false
  const wanted = host === 'localhost' ? '127.0.0.1' : shortForm(host)
  if (socket.address === wanted) return true
  if (socket.address === '::' || wanted === '::') return true // takes IPv4 as well
  return isIpv6(socket.address) === isIpv6(wanted) && (isWildcard(socket.address) || isWildcard(wanted))
}

/** Addresses of this box, all interfaces. */
export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address))
