import { createPublicKey, type KeyObject, sign, type X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'

export const dayMs = 86_400_000

/** A key that signs certificates, wherever it lies: RSA, PKCS#1 v1.5 with SHA-256. */
export interface SigningKey {
  readonly publicKey: KeyObject
  sign(data: Buffer): Promise<Buffer>
}

export const softwareKey = (key: KeyObject): SigningKey => ({
  publicKey: createPublicKey(key),
  sign: (data) => promisify(sign)('sha256', data, key),
})

/** What the name of a certificate ends with that its own key has signed. */
export const interim = 'interim'

export const isInterim = ({ subject, issuer }: X509Certificate): boolean =>
  subject === issuer && subject.startsWith('O=edgeward\n') && subject.endsWith(` ${interim}`)
