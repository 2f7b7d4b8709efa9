import { createHmac } from 'node:crypto'

/* RFC 6238 (TOTP) on RFC 4226 (HOTP), as authenticator apps take it: SHA-1, 30 seconds, 6 digits. */

export const stepMs = 30_000
export const secretBytes = 20 // as long as the hash, as RFC 4226 wants it

export const stepAt = (ms: number): number => Math.floor(ms / stepMs)

export function codeOf(secret: Uint8Array, step: number, digits = 6, hash = 'sha1'): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac(hash, secret).update(counter).digest()
  const offset = (mac.at(-1) as number) & 0xf
  return `${(mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits}`.padStart(digits, '0')
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648, without padding: how such secrets are written. */
export function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('')
}

/** In fours, for people. */
export const inFours = (text: string, between: string): string => (text.match(/.{1,4}/g) ?? []).join(between)
