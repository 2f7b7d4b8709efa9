import { createPublicKey, generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import forge from 'node-forge'
import type { Random } from '../core/random.ts'

export const dayMs = 86_400_000

/** The clock of who verifies may be behind ours. */
const backdateMs = dayMs
const caLifeMs = 3_650 * dayMs
/** The most that browsers accept. */
const serverLifeMs = 397 * dayMs

/** RSA, which node-forge can sign with; made off the event loop. */
export async function newKey(bits: 2048 | 3072): Promise<KeyObject> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: bits })
  return privateKey
}

export const keyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

/** An authority for server certificates, not for further authorities. */
export function signCa(key: KeyObject, deviceName: string, now: number, random: Random): X509Certificate {
  const certificate = draft(key, now, now + caLifeMs, random)
  const subject = [
    { name: 'organizationName', value: 'edgeward' },
    // 64 characters is what X.520 gives a common name
    {
      name: 'commonName',
      value: `${deviceName.slice(0, 48).toWellFormed()} device CA`,
      valueTagClass: forge.asn1.Type.UTF8,
    },
  ] as forge.pki.CertificateField[]
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
  ca: { certificate: X509Certificate; key: KeyObject },
  names: readonly string[],
  now: number,
  random: Random,
): X509Certificate {
  const issuer = forge.pki.certificateFromPem(ca.certificate.toString())
  const end = Math.min(now + serverLifeMs - backdateMs, Date.parse(ca.certificate.validTo))
  const certificate = draft(key, now, end, random)
  certificate.setSubject([{ name: 'organizationName', value: 'edgeward' }])
  certificate.setIssuer(issuer.subject.attributes.map(decoded))
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map(altName) },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
  ])
  return sign(certificate, ca.key)
}

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
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string
  certificate.publicKey = forge.pki.publicKeyFromPem(publicPem)
  certificate.serialNumber = `01${random.bytes(16).toString('hex')}` // positive, and never zero
  certificate.validity.notBefore = new Date(now - backdateMs)
  certificate.validity.notAfter = new Date(end)
  return certificate
}

function sign(certificate: forge.pki.Certificate, key: KeyObject): X509Certificate {
  certificate.sign(forge.pki.privateKeyFromPem(keyPem(key)), forge.md.sha256.create())
  return new X509Certificate(forge.pki.certificateToPem(certificate))
}
