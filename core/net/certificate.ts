import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'

export type CertificateFault =
  | 'untrusted' // nobody we trust has signed it
  | 'no-authority' // signed by a certificate that must not sign others
  | 'wrong-host'
  | 'wrong-use' // not for servers
  | 'expired'
  | 'not-yet-valid'
  | 'refused' // by OpenSSL, for a reason of its own

/** A certificate that was presented and is not accepted. `subject` and `issuer` are one line each. */
export class CertificateRefused extends Error {
  override readonly name = 'CertificateRefused'
  readonly fault: CertificateFault
  readonly subject: string
  readonly issuer: string

  constructor(fault: CertificateFault, certificate: X509Certificate, why: string) {
    const subject = oneLine(certificate.subject)
    const issuer = oneLine(certificate.issuer)
    super(`the certificate of ${subject}, issued by ${issuer}, ${why}`)
    this.fault = fault
    this.subject = subject
    this.issuer = issuer
  }

  get cure(): string {
    if (this.fault === 'untrusted')
      return `If ${this.issuer} is the authority of the far side, or of a proxy that inspects TLS in your network, put its certificate (PEM) into a file and name it in proxy.ca_file.`
    return cures[this.fault]
  }
}

const cures: Record<Exclude<CertificateFault, 'untrusted'>, string> = {
  'no-authority': 'Give the far side a certificate from an authority; one of its chain is none.',
  'wrong-host': 'Use an address that the certificate names, or give the far side one for this address.',
  'wrong-use': 'Give the far side a certificate for TLS servers.',
  expired: 'Renew the certificate of the far side, unless the clock of this box is ahead.',
  'not-yet-valid': 'Check the clock of this box, then that of the far side.',
  refused: 'Give the far side a certificate that OpenSSL accepts.',
}

export interface Expectations {
  /** Authorities that are trusted; one that is not self-signed is passed over, as OpenSSL does. */
  roots: readonly X509Certificate[]
  /** Name or address, without brackets. */
  host: string
  /** Epoch milliseconds; `any-time` leaves the dates out and nothing else. */
  now: number | 'any-time'
}

/** More than any honest chain, so that a hostile one costs little. */
const longestChain = 10
const serverUse = '1.3.6.1.5.5.7.3.1'
const anyUse = '2.5.29.37.0'

/**
 * Verifies a chain as presented, leaf first, at a time that we choose; OpenSSL knows only the clock of
 * the system, and lets a date fault hide every other. Throws `CertificateRefused`, the dates last: a
 * date fault therefore means that nothing else is wrong. Path length and name constraints are left to
 * OpenSSL, whose verdict the caller heeds too.
 */
export function verifyAt(chain: readonly X509Certificate[], { roots, host, now }: Expectations): void {
  const [leaf] = chain
  if (!leaf) throw new Error('the far side presented no certificate')
  const path = pathToRoot(leaf, chain.slice(1), roots.filter(isSelfSigned), now)
  const named = isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host)
  if (named === undefined)
    throw new CertificateRefused('wrong-host', leaf, `is for ${namesOf(leaf)}, not for ${host}`)
  const uses: readonly string[] | undefined = leaf.keyUsage // the extended ones, whatever its name says
  if (uses && !uses.includes(serverUse) && !uses.includes(anyUse))
    throw new CertificateRefused('wrong-use', leaf, 'is not for TLS servers')
  for (const certificate of path) {
    const fault = dateFault(certificate, now)
    if (fault) throw fault
  }
}

/** The certificates from the leaf up to one that is trusted, each signed by the next. */
function pathToRoot(
  leaf: X509Certificate,
  presented: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: Expectations['now'],
): X509Certificate[] {
  const path = [leaf]
  for (let current = leaf; path.length <= longestChain; ) {
    if (roots.some((root) => root.raw.equals(current.raw))) return path
    const candidates = [...roots, ...presented].filter(
      (candidate) => !path.includes(candidate) && signed(candidate, current),
    )
    // an authority that was renewed with its key is there twice
    const issuer = candidates.find((candidate) => !dateFault(candidate, now)) ?? candidates[0]
    if (!issuer)
      throw new CertificateRefused('untrusted', current, 'is signed by nobody whom this box trusts')
    if (!issuer.ca)
      throw new CertificateRefused('no-authority', issuer, 'has signed another, which it must not')
    path.push(issuer)
    current = issuer
  }
  throw new CertificateRefused('untrusted', leaf, `has more than ${longestChain} certificates above it`)
}

const isSelfSigned = ({ subject, issuer }: X509Certificate): boolean => subject === issuer

/** Names first, which is cheap; the key usage is looked at by `ca`. */
const signed = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  issuer.subject === certificate.issuer && certificate.verify(issuer.publicKey)

function dateFault(certificate: X509Certificate, now: Expectations['now']): CertificateRefused | undefined {
  if (now === 'any-time') return undefined
  const at = new Date(now).toISOString()
  if (!(now <= Date.parse(certificate.validTo)))
    return new CertificateRefused('expired', certificate, `expired on ${certificate.validTo}; it is ${at}`)
  if (!(now >= Date.parse(certificate.validFrom))) {
    const why = `starts on ${certificate.validFrom}; it is ${at}`
    return new CertificateRefused('not-yet-valid', certificate, why)
  }
  return undefined
}

/** X509Certificate says undefined where a name is empty. */
const oneLine = (name: string | undefined): string => name?.replaceAll('\n', ', ') || 'nobody'

const namesOf = (certificate: X509Certificate): string =>
  certificate.subjectAltName ?? oneLine(certificate.subject)
