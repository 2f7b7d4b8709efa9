import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

/** A key that signs certificates, wherever it lies: RSA, PKCS#1 v1.5 with SHA-256. */
export interface SigningKey {
  readonly publicKey: KeyObject
  sign(data: Buffer): Promise<Buffer>
}

export const softwareKey = (key: KeyObject): SigningKey => ({
  publicKey: createPublicKey(key),
  sign: (data) => promisify(sign)('sha256', data, key),
})
