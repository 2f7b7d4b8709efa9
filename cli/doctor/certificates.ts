import type { X509Certificate } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import type { Pki } from './pki.ts'
import { ownAddresses } from './sockets.ts'

export interface CertificatesView {
  stateDir: string
  config: Config['certs']
  pki(): Promise<Pki>
  clock: { now(): number }
}

/** The certificate by which this box serves TLS, and the authority that browsers were told to trust. */
export function certificatesCheck({ stateDir, config, pki, clock }: CertificatesView): Check {
  return {
    id: 'certificates',
    title: 'certificates of the box',
    needs: ['state', 'clock'],
    async run() {
      const made = await readdir(join(stateDir, 'pki')).catch(() => [])
      if (made.length === 0) return skipped('the daemon makes them when it starts')
      return describePki(await pki(), [...ownNames(), ...config.names], clock.now(), {
        isOwn: config.server_cert !== undefined,
        isCaElsewhere: config.ca_key !== undefined,
      })
    },
  }
}

/** Link-local addresses of IPv6 change, and are in no certificate. */
const ownNames = (): string[] => [
  hostname(),
  ...ownAddresses().filter((address) => !/^fe[89ab]/i.test(address)),
]

/** The daemon renews long before. */
const dueMs = 14 * 86_400_000

interface Origin {
  /** Somebody else has signed it, and renews it: `certs.server_cert`. */
  isOwn: boolean
  /** The key of the device CA is in a token, so that there may be no CA yet: `certs.ca_key`. */
  isCaElsewhere: boolean
}

export function describePki(
  { ca, server, key, faults }: Pki,
  names: readonly string[],
  now: number,
  { isOwn, isCaElsewhere }: Origin,
): Finding {
  const anew = 'Restart the daemon: it makes what is missing or does not fit ("systemctl restart edgeward").'
  const [fault = 'the certificate or its key is missing'] = faults
  if (!server || !key || (!ca && !isCaElsewhere)) return failed(fault, anew)
  const facts = {
    serverEnds: Date.parse(server.validTo),
    ...(ca ? { caEnds: Date.parse(ca.validTo) } : {}),
    fingerprint256: server.fingerprint256,
  }
  if (!server.checkPrivateKey(key))
    return failed('pki/server.key is not the key of pki/server.crt, so TLS cannot be served', anew, facts)
  const renewed = isOwn
    ? 'Put a new one in the place of certs.server_cert and certs.server_key.'
    : 'See whether the clock is right. If it is: the daemon renews by itself, "edgeward cert show" says why it cannot, and "edgeward cert renew" tries it now.'
  const dated =
    describeDates('certificate of this box', server, now, renewed, facts) ??
    (ca && describeDates('device CA', ca, now, renewed, facts))
  if (dated) return dated
  if (ca && isForged(server, ca))
    return failed('pki/server.crt names the device CA, which has not signed it', anew, facts)
  const missing = [...new Set(names)].filter((name) => !certifies(server, name))
  if (missing.length > 0)
    return warning(
      `the certificate of this box is not good for ${missing.join(', ')}: browsers that come that way refuse it`,
      isOwn
        ? 'Have it issued with these names, or leave it so if nobody comes that way.'
        : 'A daemon that runs certifies new names within two minutes; if it does not, "edgeward cert show" says why. Names of your own stand in certs.names.',
      { ...facts, missing },
    )
  const authority = ca ? `, the device CA until ${day(Date.parse(ca.validTo))}` : ''
  return ok(`good until ${day(facts.serverEnds)}${authority}`, facts)
}

function describeDates(
  what: string,
  { validFrom, validTo }: X509Certificate,
  now: number,
  cure: string,
  facts: Record<string, unknown>,
): Finding | undefined {
  const [begins, ends] = [Date.parse(validFrom), Date.parse(validTo)]
  if (now >= ends) return failed(`the ${what} expired on ${day(ends)}, by the clock of this box`, cure, facts)
  if (now < begins)
    return failed(
      `the ${what} is not valid before ${day(begins)}, and the clock of this box shows ${day(now)}`,
      cure,
      facts,
    )
  return ends - now < dueMs ? warning(`the ${what} ends on ${day(ends)}`, cure, facts) : undefined
}

/** A certificate of somebody else's authority is not ours to judge. */
const isForged = (server: X509Certificate, ca: X509Certificate): boolean =>
  server.issuer === ca.subject && !server.verify(ca.publicKey)

const certifies = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined ||
  certificate.subjectAltName?.toLowerCase().includes(`dns:${name.toLowerCase()}`) === true

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)
