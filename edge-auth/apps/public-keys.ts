import { importJWK, type JWK } from 'jose'
import { Invalid } from '../../core/errors.ts'

/** What an app may sign with; nothing symmetric, nothing weak. */
export const assertionAlgorithms = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519']

const maxKeys = 8
const kept = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg'] as const

/** Reads a JWK or a JWK set as an app has made it. Throws `Invalid` for what is not public, or of no use. */
export async function readPublicKeys(document: unknown): Promise<JWK[]> {
  const listed = (document as { keys?: unknown } | null)?.keys ?? [document]
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > maxKeys)
    throw new Invalid(`a key set has 1 to ${maxKeys} keys`)
  return Promise.all(listed.map(readPublicKey))
}

async function readPublicKey(jwk: unknown): Promise<JWK> {
  if (typeof jwk !== 'object' || jwk === null) throw new Invalid('a key is a JSON object (JWK, RFC 7517)')
  if ('d' in jwk || 'k' in jwk)
    throw new Invalid('the key is secret', {
      cure: 'Register only its public part, and make a new pair: this one has been shown.',
    })
  const known = Object.entries(jwk).filter(([name]) => kept.includes(name as (typeof kept)[number]))
  const key = Object.fromEntries(known) as JWK
  const alg = key.alg ?? usualAlgorithm(key)
  if (alg === undefined || !assertionAlgorithms.includes(alg))
    throw new Invalid('the key has no algorithm that we take', {
      cure: `Algorithms are ${assertionAlgorithms.join(', ')}.`,
    })
  if (key.kty === 'RSA' && Buffer.from(key.n ?? '', 'base64url').length < 256)
    throw new Invalid('an RSA key has at least 2048 bits')
  try {
    await importJWK(key, alg)
    return { ...key, alg }
  } catch (cause) {
    throw new Invalid(`the key cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function usualAlgorithm({ kty, crv }: JWK): string | undefined {
  if (kty === 'RSA') return 'RS256'
  if (kty === 'OKP') return 'EdDSA'
  return { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }[crv ?? '']
}
