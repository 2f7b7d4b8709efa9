import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { Invalid } from '../../core/errors.ts'
import type { PublicJwk } from '../../protocol/registration.ts'
import { InvalidClient } from '../errors.ts'
import { readAssertion } from './assertion.ts'
import { normalizeJwk } from './public-jwk.ts'

const now = 1_800_000_000_000
const seconds = now / 1000
const secret = 'the secret, as it is'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
const jwk = { kid: 'k', ...publicKey.export({ format: 'jwk' }) } as PublicJwk
const id = 'a'.repeat(32)
const claims = {
  iss: id,
  sub: id,
  aud: ['southgate'],
  iat: seconds,
  nbf: seconds,
  exp: seconds + 3600,
  jti: 'j',
  ten: 'demo',
}

type Signer = (text: string) => Buffer
const hmac: Signer = (text) => createHmac('sha256', secret).update(text).digest()
const rsa =
  (hash: string): Signer =>
  (text) =>
    sign(hash, Buffer.from(text), privateKey)
const plain = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64url')
const padded = (bytes: string | Buffer) => plain(bytes).padEnd(Math.ceil(plain(bytes).length / 4) * 4, '=')

function jwt(alg: string, signer: Signer, { body = claims as object, encode = plain } = {}) {
  const text = `${encode(JSON.stringify({ typ: 'JWT', alg }))}.${encode(JSON.stringify(body))}`
  return `${text}.${encode(signer(text))}`
}

test('a secret signs with HS256, a key with RS256 or RS384', async () => {
  expect(await readAssertion(jwt('HS256', hmac), now).isSignedWith({ secret })).toBe(true)
  expect(await readAssertion(jwt('RS256', rsa('RSA-SHA256')), now).isSignedWith({ jwk })).toBe(true)
  expect(await readAssertion(jwt('RS384', rsa('RSA-SHA384')), now).isSignedWith({ jwk })).toBe(true)
})

test('padding is signed as it came, and the audience may be a text', async () => {
  const body = { ...claims, aud: 'southgate', exp: seconds + 86_400, jti: 'xy' }
  const text = jwt('HS256', hmac, { body, encode: padded })
  expect(text).toContain('=')
  const assertion = readAssertion(text, now)
  expect(assertion).toMatchObject({ agentId: id, tenant: 'demo' })
  expect(await assertion.isSignedWith({ secret })).toBe(true)
})

test('the algorithm is bound to the kind of key', async () => {
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const confused = jwt('HS256', (text) => createHmac('sha256', publicPem).update(text).digest())
  expect(await readAssertion(confused, now).isSignedWith({ jwk })).toBe(false)
  expect(await readAssertion(jwt('RS512', rsa('RSA-SHA512')), now).isSignedWith({ jwk })).toBe(false)
  expect(
    await readAssertion(
      jwt('none', () => Buffer.alloc(0)),
      now,
    ).isSignedWith({ secret }),
  ).toBe(false)
  expect(await readAssertion(jwt('RS256', rsa('RSA-SHA256')), now).isSignedWith({ secret })).toBe(false)
})

test('another secret, or a changed text, is not accepted', async () => {
  expect(await readAssertion(jwt('HS256', hmac), now).isSignedWith({ secret: 'other' })).toBe(false)
  const [header, , signature] = jwt('HS256', hmac).split('.')
  const forged = `${header}.${plain(JSON.stringify({ ...claims, ten: 'other' }))}.${signature}`
  expect(await readAssertion(forged, now).isSignedWith({ secret })).toBe(false)
})

test.each([
  ['has expired', { exp: seconds - 60 }],
  ['is not valid yet', { iat: seconds + 61, nbf: seconds + 61 }],
  ['lives longer than 24 h', { exp: seconds + 86_401 }],
  ['is for another audience', { aud: ['elsewhere'] }],
  ['has iss and sub of different clients', { iss: 'b'.repeat(32) }],
])('an assertion that %s is refused', (reason, change) => {
  expect(() => readAssertion(jwt('HS256', hmac, { body: { ...claims, ...change } }), now)).toThrow(reason)
})

test('clocks may differ by a minute', () => {
  const late = { ...claims, iat: seconds - 3659, nbf: seconds - 3659, exp: seconds - 59 }
  expect(readAssertion(jwt('HS256', hmac, { body: late }), now).agentId).toBe(id)
  const early = { ...claims, iat: seconds + 60, nbf: seconds + 60 }
  expect(readAssertion(jwt('HS256', hmac, { body: early }), now).agentId).toBe(id)
})

test.each(['', 'a.b', 'a.b.c', 'a.b.c.d', `${plain('{"alg":"HS256"}')}.${plain('[]')}.x`])(
  '%j is refused as an invalid client',
  (text) => expect(() => readAssertion(text, now)).toThrow(InvalidClient),
)

test('a key is kept without the sign byte that some agents send', () => {
  const signed = Buffer.concat([Buffer.of(0), Buffer.from(jwk.n, 'base64url')]).toString('base64url')
  expect(normalizeJwk({ ...jwk, n: signed })).toEqual(normalizeJwk(jwk))
})

test('short and broken RSA keys are refused', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
  expect(() => normalizeJwk({ kid: 'k', ...short } as PublicJwk)).toThrow('2048 bits')
  expect(() => normalizeJwk({ ...jwk, e: 'Aw' })).toThrow('exponent is 3')
  expect(() => normalizeJwk({ ...jwk, n: 'AA' })).toThrow(Invalid)
})
