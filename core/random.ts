import { generateKeyPair, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'

/** The only source of randomness; replaced in tests that need a fixed draw. */
export interface Random {
  bytes(size: number): Buffer
  uuid(): string
  /** In [0, 1); for jitter, never for secrets. */
  fraction(): number
  /** A private key, found off the event loop. */
  rsaKey(bits: 2048 | 3072): Promise<KeyObject>
}

const generate = promisify(generateKeyPair)

export const systemRandom: Random = {
  bytes: (size) => randomBytes(size),
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
  rsaKey: async (bits) => (await generate('rsa', { modulusLength: bits })).privateKey,
}

/** 256 bits in URL-safe text: client secrets, one-time codes. */
export const randomSecret = (random: Random): string => random.bytes(32).toString('base64url')
