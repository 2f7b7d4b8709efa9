import { randomBytes, randomUUID } from 'node:crypto'

/** The only source of randomness; replaced in tests that need a fixed draw. */
export interface Random {
  bytes(size: number): Buffer
  uuid(): string
  /** In [0, 1); for jitter, never for secrets. */
  fraction(): number
}

export const systemRandom: Random = {
  bytes: (size) => randomBytes(size),
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
}

/** 256 bits in URL-safe text: client secrets, one-time codes. */
export const randomSecret = (random: Random): string => random.bytes(32).toString('base64url')
