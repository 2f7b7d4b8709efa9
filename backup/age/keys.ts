import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'

export const algorithm = 'chacha20-poly1305'
export const tagBytes = 16
export const fileKeyBytes = 16

/** What scrypt makes of the passphrase: 2^work steps, 2^work KiB of memory. */
export function passphraseKey(passphrase: string, salt: Buffer, work: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const N = 2 ** work
  const options: ScryptOptions = { N, r: 8, p: 1, maxmem: 128 * 8 * N + 32 * 1024 * 1024 }
  const label = Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), salt])
  scrypt(passphrase, label, 32, options, (error, key) => (error ? reject(error) : resolve(key)))
  return promise
}

const derived = (key: Buffer, salt: Buffer, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, info, 32))

export const payloadKey = (fileKey: Buffer, nonce: Buffer): Buffer => derived(fileKey, nonce, 'payload')

export const headerMac = (fileKey: Buffer, header: string): Buffer =>
  createHmac('sha256', derived(fileKey, Buffer.alloc(0), 'header'))
    .update(header)
    .digest()

export const isSameMac = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)

export function seal(key: Buffer, nonce: Buffer, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Undefined when it was not sealed with this key and nonce. */
export function unseal(key: Buffer, nonce: Buffer, sealed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - tagBytes)), decipher.final()])
  } catch {
    return undefined
  }
}
