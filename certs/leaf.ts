import type { KeyObject, X509Certificate } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import { type Ca, daysLeft, isOfFuture, renewBeforeDays } from './ca.ts'
import { matches, type Pair, type StoredPair } from './files.ts'
import { certifies } from './names.ts'

export interface LeafDeps {
  clock: Clock
  random: Random
  isTimeTrusted(): boolean
}

export const isOf = (certificate: X509Certificate, ca: X509Certificate): boolean =>
  certificate.checkIssued(ca) && certificate.verify(ca.publicKey)

/** Why the certificate of the box is to be made anew; undefined: it is good. */
export function whyReplace(
  deps: LeafDeps,
  stored: StoredPair,
  ca: X509Certificate,
  names: readonly string[],
): string | undefined {
  if (!matches(stored)) return 'none that has its key'
  const { certificate } = stored
  if (!isOf(certificate, ca)) return 'of another authority'
  if (daysLeft(certificate, deps.clock) < renewBeforeDays) return 'runs out'
  if (isOfFuture(certificate, deps)) return 'not yet valid'
  return certifies(certificate, names) ? undefined : 'other names'
}

/** By the same key where there is one, unless told: then only one file changes, and none is made in vain. */
export async function issueLeaf(
  { clock, random }: LeafDeps,
  { ca, names, key }: { ca: Ca; names: readonly string[]; key?: KeyObject | undefined },
): Promise<Pair> {
  const own = key?.asymmetricKeyType === 'rsa' ? key : await random.rsaKey(2048)
  // A clock that was reset must not date the certificate before its authority.
  const now = Math.max(clock.now(), Date.parse(ca.certificate.validFrom))
  const { signServer } = await import('./certificate.ts')
  const certificate = await signServer(own, ca, names, now, random)
  return { key: own, certificate, chain: certificate.toString() }
}

/** Until the authority can be reached: the box serves, and nobody trusts it. */
export async function issueInterim(
  { clock, random }: LeafDeps,
  deviceName: string,
  names: readonly string[],
): Promise<Pair> {
  const key = await random.rsaKey(2048)
  const { signInterim } = await import('./certificate.ts')
  const certificate = await signInterim(key, deviceName, names, clock.now(), random)
  return { key, certificate, chain: certificate.toString() }
}
