import { isIP } from 'node:net'
import Type from 'typebox'
import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import { ensurePrivateDir } from '../core/files.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { parser } from '../core/schema.ts'
import { dayMs, keyPem, newKey, signCa, signServer } from './certificate.ts'
import { type Pair, readPair, type StoredPair, writePair } from './files.ts'
import { type Network, serverNames, thisNetwork } from './names.ts'

/** The device CA, made once and kept, and the certificate by which this box serves TLS. */
export interface Certs {
  /** PEM of the device CA: what a client is to trust. */
  readonly ca: string
  /** PEM; the certificate is followed by the CA. */
  readonly server: { readonly cert: string; readonly key: string }
  /** `cert.show` */
  readonly operations: Operations
}

export interface CertsDeps {
  clock: Clock
  random: Random
  log: Logger
  /** Unless told, what the operating system says. */
  network?: () => Network
}

export interface CertsConfig {
  /** `<state>/pki` */
  dir: string
  /** Names and addresses to certify besides those found. */
  names: readonly string[]
  deviceName: string
}

/** Throws `Invalid` when a configured name is none. */
export async function openCerts(deps: CertsDeps, { dir, names, deviceName }: CertsConfig): Promise<Certs> {
  const wanted = serverNames((deps.network ?? thisNetwork)(), names)
  await ensurePrivateDir(dir)
  const ca = await openCa(deps, dir, deviceName)
  const server = await openServer(deps, dir, ca, wanted)
  return {
    ca: ca.certificate.toString(),
    server: {
      cert: server.certificate.toString() + ca.certificate.toString(),
      key: keyPem(server.key),
    },
    operations: {
      async 'cert.show'(params) {
        parseNothing(params, 'cert.show')
        return show(ca, server, wanted)
      },
    },
  }
}

const parseNothing = parser(Type.Object({}, { additionalProperties: false }))

const show = (ca: Pair, server: Pair, names: readonly string[]) => ({
  ca: {
    subject: ca.certificate.subject.replaceAll('\n', ', '),
    ...essentials(ca),
    pem: ca.certificate.toString(),
  },
  server: { names, ...essentials(server) },
})

const essentials = ({ certificate }: Pair) => ({
  notAfter: new Date(certificate.validTo).toISOString(),
  fingerprint256: certificate.fingerprint256,
})

const renewBeforeDays = 30

/**
 * Clients were told to trust this CA, so it is kept, and its key even when the certificate is lost or
 * runs out: with the same key and name, who trusts the old certificate trusts what the new one signs.
 */
async function openCa({ clock, random, log }: CertsDeps, dir: string, deviceName: string): Promise<Pair> {
  const stored = await readPair(dir, 'ca')
  if (matches(stored) && daysLeft(stored, clock) >= renewBeforeDays) return stored
  if (stored.certificate)
    log.warn({ keyKept: stored.key !== undefined }, 'device CA certificate runs out or has lost its key')
  const key = stored.key ?? (await newKey(3072))
  const ca = { key, certificate: signCa(key, deviceName, clock.now(), random) }
  await writePair(dir, 'ca', ca)
  log.info({ fingerprint256: ca.certificate.fingerprint256 }, 'device CA issued')
  return ca
}

async function openServer(
  { clock, random, log }: CertsDeps,
  dir: string,
  ca: Pair,
  names: readonly string[],
): Promise<Pair> {
  const stored = await readPair(dir, 'server')
  if (
    matches(stored) &&
    daysLeft(stored, clock) >= renewBeforeDays &&
    stored.certificate.checkIssued(ca.certificate) &&
    stored.certificate.verify(ca.certificate.publicKey) &&
    certifies(stored, names)
  )
    return stored
  const key = await newKey(2048)
  // A clock that was reset must not date the certificate before its authority.
  const now = Math.max(clock.now(), Date.parse(ca.certificate.validFrom))
  const server = { key, certificate: signServer(key, ca, names, now, random) }
  await writePair(dir, 'server', server)
  log.info({ names, notAfter: server.certificate.validTo }, 'server certificate issued')
  return server
}

const matches = (pair: StoredPair): pair is Pair =>
  pair.key !== undefined && pair.certificate?.checkPrivateKey(pair.key) === true

const daysLeft = ({ certificate }: Pair, clock: Clock): number =>
  (Date.parse(certificate.validTo) - clock.now()) / dayMs

/** Exactly these names, no more. */
function certifies({ certificate }: Pair, names: readonly string[]): boolean {
  const count = certificate.subjectAltName?.split(', ').length ?? 0
  return (
    count === names.length &&
    names.every(
      (name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined,
    )
  )
}
