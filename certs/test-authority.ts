import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import forge from 'node-forge'
import { systemRandom } from '../core/random.ts'
import { keyPem } from './files.ts'

/** For tests: certificates good and bad, of authorities that nobody else knows. */
export interface Issued {
  certificate: X509Certificate
  key: KeyObject
  /** PEM of the certificate and of those that signed it, but for the last. */
  chain: string
  keyPem: string
}

export interface Wanted {
  name: string
  /** Host names and addresses; with them it is a server's certificate. */
  hosts?: readonly string[]
  /** Itself, unless told. */
  issuer?: Issued
  ca?: boolean
  /** How many authorities may follow this one. */
  pathLength?: number
  /** From now, in days. */
  startDays?: number
  endDays?: number
  clientOnly?: boolean
  /** A new one, unless told. */
  key?: KeyObject
}

const dayMs = 86_400_000

export async function issue(wanted: Wanted): Promise<Issued> {
  const { name, issuer, hosts = [], ca = false, startDays = -1, endDays = 30, clientOnly = false } = wanted
  const key = wanted.key ?? (await systemRandom.rsaKey(2048))
  const draft = forge.pki.createCertificate()
  draft.publicKey = forge.pki.publicKeyFromPem(
    createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string,
  )
  draft.serialNumber = `01${Buffer.from(name).toString('hex')}`
  draft.validity.notBefore = new Date(Date.now() + startDays * dayMs)
  draft.validity.notAfter = new Date(Date.now() + endDays * dayMs)
  draft.setSubject([{ name: 'commonName', value: name }])
  draft.setIssuer([
    { name: 'commonName', value: issuer ? issuer.certificate.subject.replace('CN=', '') : name },
  ])
  const altNames = hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host }))
  draft.setExtensions([
    {
      name: 'basicConstraints',
      critical: true,
      cA: ca,
      ...(wanted.pathLength === undefined ? {} : { pathLenConstraint: wanted.pathLength }),
    },
    ...(hosts.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
    ...(clientOnly ? [{ name: 'extKeyUsage', clientAuth: true }] : []),
  ])
  draft.sign(forge.pki.privateKeyFromPem(keyPem(issuer?.key ?? key)), forge.md.sha256.create())
  const pem = forge.pki.certificateToPem(draft)
  return {
    certificate: new X509Certificate(pem),
    key,
    chain: pem + (issuer && !isRoot(issuer) ? issuer.chain : ''),
    keyPem: keyPem(key),
  }
}

const isRoot = ({ certificate }: Issued): boolean => certificate.subject === certificate.issuer
