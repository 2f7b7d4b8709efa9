import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import { promisify } from 'node:util'
import Type from 'typebox'
import { Invalid } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import { assertionAudience } from '../../protocol/token.ts'
import { InvalidClient } from '../errors.ts'
import type { AgentKey } from '../registry/index.ts'

/** A client assertion (RFC 7523) whose claims fit; who signed it is still to be asked. */
export interface Assertion {
  agentId: string
  tenant: string | undefined
  /** Binds the algorithm to the kind of key: a public key never serves as an HMAC secret. */
  isSignedWith(key: AgentKey): Promise<boolean>
}

const Header = Type.Object({ alg: Type.String() })
const Claims = Type.Object({
  iss: Type.String(),
  sub: Type.String(),
  aud: Type.Union([Type.String(), Type.Array(Type.String())]),
  iat: Type.Number(),
  exp: Type.Number(),
  nbf: Type.Optional(Type.Number()),
  ten: Type.Optional(Type.String()),
})
const parseHeader = parser(Header)
const parseClaims = parser(Claims)

const rsaHashes: Readonly<Record<string, string>> = { RS256: 'RSA-SHA256', RS384: 'RSA-SHA384' }
const longestLifeSeconds = 86_400
const leewaySeconds = 60
const verifyAsync = promisify(verify)

/**
 * Not by a JOSE library: agents in the field pad their base64url with `=` and sign the padded text,
 * which those refuse. Throws `InvalidClient`.
 */
export function readAssertion(text: string, now: number): Assertion {
  const [header, payload, signature, ...rest] = text.split('.')
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
    throw new InvalidClient('the assertion is not a JWT', 400)
  const { alg } = read(() => parseHeader(decodeJson(header), 'header'))
  const claims = read(() => parseClaims(decodeJson(payload), 'claims'))
  refuseClaims(claims, now / 1000)

  const signed = Buffer.from(`${header}.${payload}`)
  const signatureBytes = decode(signature)
  return {
    agentId: claims.sub,
    tenant: claims.ten,
    async isSignedWith(key) {
      if (key.secret !== undefined) {
        if (alg !== 'HS256') return false
        const expected = createHmac('sha256', key.secret).update(signed).digest()
        return expected.length === signatureBytes.length && timingSafeEqual(expected, signatureBytes)
      }
      const hash = rsaHashes[alg]
      if (hash === undefined) return false
      return verifyAsync(
        hash,
        signed,
        createPublicKey({ key: { ...key.jwk }, format: 'jwk' }),
        signatureBytes,
      )
    },
  }
}

function refuseClaims({ iss, sub, aud, iat, exp, nbf = iat }: Type.Static<typeof Claims>, now: number): void {
  const refuse = (reason: string) => {
    throw new InvalidClient(`the assertion ${reason}`, 400)
  }
  if (iss !== sub) refuse('has iss and sub of different clients')
  if (![aud].flat().includes(assertionAudience)) refuse('is for another audience')
  if (exp - iat > longestLifeSeconds) refuse('lives longer than 24 h')
  if (exp + leewaySeconds <= now) refuse('has expired')
  if (Math.max(iat, nbf) - leewaySeconds > now) refuse('is not valid yet')
}

const decode = (part: string): Buffer => Buffer.from(part.replace(/=+$/, ''), 'base64url')
const decodeJson = (part: string): unknown => JSON.parse(decode(part).toString())

function read<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof Invalid || cause instanceof SyntaxError)) throw cause
    throw new InvalidClient('the assertion cannot be read', 400)
  }
}
