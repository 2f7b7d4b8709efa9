import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import type { Reached } from './hub-probe.ts'

/** What the box has before anything leaves it: addresses, a route, servers that know names. */
export interface WayOut {
  /** Of interfaces that lead out. */
  addresses: readonly string[]
  /** Undefined when the kernel does not show its routes. */
  hasDefaultRoute: boolean | undefined
  nameServers: readonly string[]
}

export async function readWayOut(etc: string, proc: string): Promise<WayOut> {
  const [resolv = '', routes, routes6] = await Promise.all(
    [join(etc, 'resolv.conf'), join(proc, 'net/route'), join(proc, 'net/ipv6_route')].map((path) =>
      readFile(path, 'utf8').catch(() => undefined),
    ),
  )
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
  return {
    addresses: addresses.map(({ address }) => address),
    hasDefaultRoute: routes === undefined ? undefined : hasDefault(routes, routes6 ?? ''),
    nameServers: [...resolv.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server]) => server as string),
  }
}

/** Destination and mask of a default route are zero; in IPv6 the loopback's own does not count. */
function hasDefault(routes: string, routes6: string): boolean {
  const rows = (text: string) => text.split('\n').map((line) => line.trim().split(/\s+/))
  return (
    rows(routes).some(
      ([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000',
    ) ||
    rows(routes6).some(
      (fields) => /^0{32}$/.test(fields[0] ?? '') && fields[1] === '00' && fields.at(-1) !== 'lo',
    )
  )
}

/** `reached` is undefined while no hub is known, or when the way does not lead out of this machine. */
export function describeNetwork(way: WayOut, reached: Reached | undefined): Finding {
  const facts = { addresses: way.addresses, hasDefaultRoute: way.hasDefaultRoute }
  const isStopped = reached !== undefined && 'fault' in reached
  const tell = (cause: string, cure: string) => (isStopped ? failed : warning)(cause, cure, facts)
  if (way.addresses.length === 0)
    return tell(
      'no network interface has an address',
      'Check the cable or the radio, and where the address comes from: DHCP, or a fixed one ("ip address", "networkctl").',
    )
  const has = `addresses ${way.addresses.join(', ')}`
  if (way.hasDefaultRoute !== false) return ok(has, facts)
  const isUnroutable = isStopped && /ENETUNREACH|EHOSTUNREACH/.test(reached.fault.message)
  return isUnroutable
    ? failed(
        `${has}, and no default route: nothing beyond the neighbours can be reached`,
        'Give the box a gateway: in its DHCP, or with its fixed address ("ip route").',
        facts,
      )
    : ok(`${has}; no default route, so only neighbours can be reached`, facts)
}

/** Whether any server that should know names answers at all. */
export async function describeNameServers(
  { nameServers }: WayOut,
  host: string | undefined,
  reached: Reached | undefined,
): Promise<Finding> {
  const facts = { nameServers }
  const isStopped = reached !== undefined && 'fault' in reached && reached.fault.step === 'resolve'
  const where = 'in /etc/resolv.conf'
  if (nameServers.length === 0) {
    const cause = `no name server stands ${where}: only the names in /etc/hosts are known`
    const cure = 'Give the box one: in its DHCP, or with its fixed address ("resolvectl dns").'
    if (isStopped) return failed(cause, cure, facts)
    return host === undefined ? warning(cause, cure, facts) : ok(cause, facts)
  }
  if (!isStopped || host === undefined || isIP(host) !== 0) return ok(nameServers.join(', '), facts)
  const answers = await Promise.all(nameServers.map((server) => isAnswering(server, host)))
  if (answers.includes(undefined))
    return skipped(`${nameServers.join(', ')} cannot be asked one by one`, facts)
  if (answers.includes(true)) return ok(`${nameServers.join(', ')} answers`, facts)
  return failed(
    `no name server answers: ${nameServers.join(', ')}, as they stand ${where}`,
    'Check that they run and that the plant network lets port 53 through, or name others ("resolvectl dns").',
    facts,
  )
}

/** Less than what a check may take, for one try. */
const patienceMs = 2_000
const silence = ['ETIMEOUT', 'ECONNREFUSED']

/** An answer may well be that the name does not exist. Undefined: the server's address is not understood. */
async function isAnswering(server: string, host: string): Promise<boolean | undefined> {
  const resolver = new Resolver({ timeout: patienceMs, tries: 1 })
  try {
    resolver.setServers([isIP(server) === 6 ? `[${server}]` : server])
  } catch {
    return undefined
  }
  return resolver.resolve4(host).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => !silence.includes(code ?? ''),
  )
}
