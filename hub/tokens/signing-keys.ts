import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import type { Clock } from '../../core/clock.ts'
import type { Registry } from '../registry/index.ts'

export interface SigningKey {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
}

/** Newest first, never empty: a hub that has none makes its first. */
export async function loadSigningKeys(
  registry: Registry,
  clock: Clock,
): Promise<[SigningKey, ...SigningKey[]]> {
  const [newest, ...older] = await registry.call('signingKeys')
  if (newest) return [toKey(newest), ...older.map(toKey)]
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  const made = {
    kid: await calculateJwkThumbprint({ kty: kty as string, n: n as string, e: e as string }),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
  await registry.call('addSigningKey', made, clock.now())
  return [toKey(made)]
}

function toKey({ kid, privateKey: pem }: { kid: string; privateKey: string }): SigningKey {
  const privateKey = createPrivateKey(pem)
  return { kid, privateKey, publicKey: createPublicKey(privateKey) }
}
