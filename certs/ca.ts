import type { X509Certificate } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { readCa, readKey, writeCa, writeKey } from './files.ts'
import { dayMs, type SigningKey, softwareKey } from './signing.ts'

export interface Ca {
  certificate: X509Certificate
  key: SigningKey
}

export interface CaDeps {
  clock: Clock
  random: Random
  log: Logger
  isTimeTrusted(): boolean
  openKey(): Promise<SigningKey>
}

export const renewBeforeDays = 30

export const daysLeft = (certificate: X509Certificate, clock: Clock): number =>
  (Date.parse(certificate.validTo) - clock.now()) / dayMs

/** Where the time is not proven, a clock that starts in 1970 makes nobody's certificate invalid. */
export const isOfFuture = (
  certificate: X509Certificate,
  { clock, isTimeTrusted }: Pick<CaDeps, 'clock' | 'isTimeTrusted'>,
): boolean => isTimeTrusted() && Date.parse(certificate.validFrom) > clock.now()

/** The key of the CA in a file of ours; made where there is none. */
export async function openKeyFile({ random }: Pick<CaDeps, 'random'>, dir: string): Promise<SigningKey> {
  const stored = await readKey(dir, 'ca')
  if (stored) return softwareKey(stored)
  const key = await random.rsaKey(3072)
  await writeKey(dir, 'ca', key)
  return softwareKey(key)
}

/**
 * Clients were told to trust this CA, so it is kept, and its key even when the certificate is lost or
 * runs out: with the same key and name, who trusts the old certificate trusts what the new one signs.
 */
export async function keepCa(deps: CaDeps, dir: string, deviceName: string): Promise<Ca> {
  const { clock, random, log } = deps
  const stored = await readCa(dir)
  const key = await deps.openKey()
  const isItsKey = stored?.publicKey.equals(key.publicKey) ?? false
  if (stored && isItsKey && daysLeft(stored, clock) >= renewBeforeDays && !isOfFuture(stored, deps))
    return { certificate: stored, key }
  if (stored) log.warn({ keyKept: isItsKey }, 'device CA certificate runs out or has another key')
  const { signCa } = await import('./certificate.ts')
  const certificate = await signCa(key, deviceName, clock.now(), random)
  await writeCa(dir, certificate)
  log.info({ fingerprint256: certificate.fingerprint256 }, 'device CA issued')
  return { certificate, key }
}
