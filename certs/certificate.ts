import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import forge from 'node-forge'
import type { Random } from '../core/random.ts'
import { dayMs, interim, type SigningKey, softwareKey } from './signing.ts'

// Loaded only when something is to be signed: forge takes 2 MB.

/** The clock of who verifies may be behind ours. */
const backdateMs = dayMs
const caLifeMs = 3_650 * dayMs
/** The most that browsers accept. */
const serverLifeMs = 397 * dayMs

/** An authority for server certificates, not for further authorities. */
export function signCa(
  key: SigningKey,
  deviceName: string,
  now: number,
  random: Random,
): Promise<X509Certificate> {
  const certificate = draft(key.publicKey, now, now + caLifeMs, random)
  const subject = subjectOf(deviceName, 'device CA')
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ])
  return sign(certificate, key)
}

/** A TLS server certificate for these names, never outliving the authority. */
export function signServer(
  key: KeyObject,
  ca: { certificate: X509Certificate; key: SigningKey },
  names: readonly string[],
  now: number,
  random: Random,
): Promise<X509Certificate> {
  const issuer = forge.pki.certificateFromPem(ca.certificate.toString())
  const end = Math.min(now + serverLifeMs - backdateMs, Date.parse(ca.certificate.validTo))
  const certificate = draft(createPublicKey(key), now, end, random)
  certificate.setSubject([{ name: 'organizationName', value: 'edgeward' }])
  certificate.setIssuer(issuer.subject.attributes.map(decoded))
  certificate.setExtensions([
    ...serverExtensions(names),
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
  ])
  return sign(certificate, ca.key)
}

/** Signed by itself: trusted by nobody, for a box that has no authority yet. */
export function signInterim(
  key: KeyObject,
  deviceName: string,
  names: readonly string[],
  now: number,
  random: Random,
): Promise<X509Certificate> {
  const certificate = draft(createPublicKey(key), now, now + serverLifeMs - backdateMs, random)
  const subject = subjectOf(deviceName, interim)
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions(serverExtensions(names))
  return sign(certificate, softwareKey(key))
}

const serverExtensions = (names: readonly string[]) => [
  { name: 'basicConstraints', critical: true, cA: false },
  { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
  { name: 'extKeyUsage', serverAuth: true },
  { name: 'subjectAltName', altNames: names.map(altName) },
]

const subjectOf = (deviceName: string, what: string) =>
  [
    { name: 'organizationName', value: 'edgeward' },
    // 64 characters is what X.520 gives a common name
    {
      name: 'commonName',
      value: `${deviceName.slice(0, 48).toWellFormed()} ${what}`,
      valueTagClass: forge.asn1.Type.UTF8,
    },
  ] as forge.pki.CertificateField[]

/** forge encodes UTF-8 when it writes a name and does not decode it when it reads one. */
const decoded = (field: forge.pki.CertificateField): forge.pki.CertificateField =>
  (field.valueTagClass as unknown) === forge.asn1.Type.UTF8
    ? { ...field, value: forge.util.decodeUtf8(field.value as string) }
    : field

const dns = 2
const ip = 7
const altName = (name: string) => (isIP(name) ? { type: ip, ip: name } : { type: dns, value: name })

function draft(key: KeyObject, now: number, end: number, random: Random): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(key.export({ type: 'spki', format: 'pem' }) as string)
  certificate.serialNumber = `01${random.bytes(16).toString('hex')}` // positive, and never zero
  certificate.validity.notBefore = new Date(now - backdateMs)
  certificate.validity.notAfter = new Date(end)
  return certificate
}

/** As forge does it, but that the signature may come from elsewhere, and later. */
async function sign(certificate: forge.pki.Certificate, key: SigningKey): Promise<X509Certificate> {
  const { getTBSCertificate } = forge.pki as unknown as {
    getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1
  }
  const algorithm = forge.pki.oids.sha256WithRSAEncryption as string
  certificate.signatureOid = certificate.siginfo.algorithmOid = algorithm
  certificate.tbsCertificate = getTBSCertificate(certificate)
  const bytes = Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'binary')
  certificate.signature = (await key.sign(bytes)).toString('binary')
  return new X509Certificate(forge.pki.certificateToPem(certificate))
}
