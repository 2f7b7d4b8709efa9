import { BlockList, isIP } from 'node:net'
import { EdgeError, Invalid } from '../../core/errors.ts'

/** An identity provider's name leads to where no identity provider is. */
export class AddressRefused extends EdgeError {
  override readonly name = 'AddressRefused'
  readonly code = 'address_refused'
  override readonly statusCode = 502
  override readonly exitCode = 5
  override readonly cure: string

  constructor(address: string, what: string, cure: string) {
    super(`${address} is ${what}: no identity provider is asked there`)
    this.cure = cure
  }
}

export interface AddressRules {
  /** Networks (10.0.0.0/8) of the plant where identity providers may be. */
  readonly allowPrivate: readonly string[]
}

/** Throws `AddressRefused` when the provider must not be asked at one of these. */
export type AdmitAddresses = (addresses: readonly string[], onThisMachine: boolean) => void

/** Throws `Invalid` when a network is none. */
export function createAdmitAddresses({ allowPrivate }: AddressRules): AdmitAddresses {
  const allowed = networks(allowPrivate)
  let known: ReturnType<typeof knownNetworks> | undefined
  return (addresses, onThisMachine) => {
    known ??= knownNetworks() // 20 ms of a start, and most boxes never ask
    const { loopback, never, privates } = known
    for (const address of addresses) {
      if (isIn(loopback, address)) {
        if (onThisMachine) continue
        const cure = 'If the provider runs on this machine, say so with onThisMachine.'
        throw new AddressRefused(address, 'this machine', cure)
      }
      if (isIn(never, address))
        throw new AddressRefused(address, 'for nobody else', 'Check the DNS, and who has changed it.')
      if (isIn(privates, address) && !isIn(allowed, address))
        throw new AddressRefused(
          address,
          'a private address',
          'If the provider is in the plant, name its network in auth.sso_allow_private.',
        )
    }
  }
}

const knownNetworks = () => ({
  loopback: networks(['127.0.0.0/8', '::1/128']),
  /** Link-local, where clouds keep their metadata, what is no single machine, and IPv4 in a disguise. */
  never: networks([
    ...['0.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '224.0.0.0/4', '240.0.0.0/4', '100.100.100.200/32'],
    ...[
      '::/128',
      'fe80::/10',
      'fec0::/10',
      'ff00::/8',
      'fd00:ec2::/32',
      '64:ff9b::/96',
      '2002::/16',
      '::/96',
    ],
    ...['64:ff9b:1::/48', '2001::/32'],
  ]),
  privates: networks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']),
})

function networks(list: readonly string[]): BlockList {
  const all = new BlockList()
  for (const entry of list) {
    const [address = '', prefix = ''] = entry.split('/')
    try {
      if (!/^\d+$/.test(prefix)) throw new Error('the length of its prefix is no number')
      all.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4')
    } catch (cause) {
      throw new Invalid(`auth.sso_allow_private: ${entry} is not a network such as 10.0.0.0/8`, { cause })
    }
  }
  return all
}

/** BlockList itself looks at an IPv4 address that is written as IPv6 as IPv4. */
function isIn(list: BlockList, address: string): boolean {
  const [bare = ''] = address.split('%', 1) // without the interface
  return list.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4')
}
