import { createPublicKey, type KeyObject } from 'node:crypto'
import { Invalid } from '../../core/errors.ts'
import type { PublicJwk } from '../../protocol/registration.ts'

const leastBits = 3072
const leastExponent = 65_537n

/** The key as it is kept: without the ASN.1 sign byte that some agents leave in `n`. Throws `Invalid`. */
export function normalizeJwk({ kty, kid, n, e }: PublicJwk): PublicJwk {
  const modulus = Buffer.from(n, 'base64url')
  const unsigned = modulus[0] === 0 ? modulus.subarray(1) : modulus
  const jwk = { kty, kid, n: unsigned.toString('base64url'), e }
  const { modulusLength = 0, publicExponent = 0n } = importKey(jwk).asymmetricKeyDetails ?? {}
  if (modulusLength < leastBits)
    throw new Invalid(`the RSA key has ${modulusLength} bits; at least ${leastBits} are required`)
  if (publicExponent < leastExponent)
    throw new Invalid(`the RSA exponent is ${publicExponent}; at least ${leastExponent} is required`)
  return jwk
}

function importKey(jwk: PublicJwk): KeyObject {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch (cause) {
    throw new Invalid('the key in jwks cannot be read', { cause })
  }
}
