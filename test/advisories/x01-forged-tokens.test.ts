import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, openBox } from './boxed.ts'
import { addApp, inactive, inParallel, type OauthApp } from './oauth-app.ts'

let box: Box
let app: OauthApp
let good: string
let publicJwk: JsonWebKey & { kid: string }
beforeAll(async () => {
  box = await openBox({ proxied: false })
  app = await addApp(box, 'asking')
  good = await box.token('ada')
  const { text } = await box.ask('/device/edge/auth/oauth2/jwks')
  const [, payload] = good.split('.')
  const { kid } = decode(good.split('.')[0])
  publicJwk = JSON.parse(text).keys.find((key: { kid: string }) => key.kid === kid)
  expect(payload).toBeDefined()
})
afterAll(() => box[Symbol.asyncDispose]())

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())

/** Everything that reads a key from a token would come here for it. */
async function openTrap() {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  return { url, count: () => connections, [Symbol.dispose]: () => void server.close() }
}

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const strangersJwk = stranger.publicKey.export({ format: 'jwk' })
const ecdsa = (input: string): string =>
  sign('sha256', Buffer.from(input), { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' }).toString(
    'base64url',
  )

function headers(trap: string): object[] {
  const { kid } = publicJwk
  const algorithms = ['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'HS384', 'HS512', 'RS256', 'PS256']
  const others = [
    'ES256',
    'es256',
    'ES384',
    'ES512',
    'ES256K',
    'EdDSA',
    'dir',
    'A128KW',
    null,
    256,
    ['ES256'],
  ]
  const tricks: object[] = [
    ...[{}, { kid }, { kid: '../../../dev/null' }, { kid: "x' OR '1'='1" }, { kid: '/proc/self/environ' }],
    ...[{ kid: 'x\0' }, { kid: [kid] }, { kid, jwk: strangersJwk }, { kid, jku: trap }, { jku: trap }],
    ...[
      { kid, x5u: trap },
      { kid, x5c: ['AAAA'] },
      { kid, crit: ['b64'], b64: false },
      { kid, crit: ['exp'] },
    ],
    ...[
      { kid, zip: 'DEF' },
      { kid, typ: 'at+jwt' },
      { kid, typ: 'none' },
      { kid, enc: 'A128GCM' },
    ],
  ]
  return [...algorithms, ...others].flatMap((alg) => tricks.map((trick) => ({ alg, typ: 'JWT', ...trick })))
}

/** What could be taken for a shared secret, because everybody knows it. */
function publicSecrets(): (string | Buffer)[] {
  const key = createPublicKey({ key: publicJwk, format: 'jwk' })
  const pem = key.export({ type: 'spki', format: 'pem' }).toString()
  const der = key.export({ type: 'spki', format: 'der' })
  const texts = [
    pem,
    pem.trim(),
    ` ${pem}`,
    `\n${pem}`,
    `${pem}\n`,
    JSON.stringify(publicJwk),
    publicJwk.kid,
    '',
  ]
  return [...texts, der, Buffer.from(publicJwk.x as string, 'base64url')]
}

function corpus(trap: string): string[] {
  const [, payload, ours] = good.split('.') as [string, string, string]
  const claims = decode(payload)
  const richer = [
    { roles: ['Admin', 'Root'] },
    { sub: 'ann' },
    { exp: claims.exp + 1e6 },
    { jti: 'x' },
    { iss: 'x' },
  ]
  const secrets = publicSecrets()
  const forged: string[] = []
  for (const [index, header] of headers(trap).entries()) {
    const input = `${encode(header)}.${payload}`
    const hmac = createHmac('sha256', secrets[index % secrets.length] as string | Buffer).update(input)
    forged.push(`${input}.${hmac.digest('base64url')}`, `${input}.${ecdsa(input)}`)
    if (index % 2 === 0) forged.push(`${input}.`, `${input}.${Buffer.alloc(64).toString('base64url')}`)
  }
  for (const change of richer) {
    const input = `${good.split('.')[0]}.${encode({ ...claims, ...change })}`
    forged.push(`${input}.${ours}`, `${input}.${ecdsa(input)}`, `${input}.${'A'.repeat(86)}`)
  }
  for (const secret of secrets)
    for (const alg of ['HS256', 'ES256'] as const) {
      const input = `${encode({ alg, kid: publicJwk.kid, typ: 'JWT' })}.${payload}`
      forged.push(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`)
    }
  return forged.filter((token) => token !== good)
}

test('X1: of a corpus of forged tokens none is active, and nobody fetches a key', async () => {
  using trap = await openTrap()
  const forged = [...new Set(corpus(trap.url))]
  expect(forged.length).toBeGreaterThanOrEqual(300)
  const accepted: string[] = []
  await inParallel(forged, 8, async (token) => {
    const answer = await app.introspect(token)
    if (JSON.stringify(answer) !== JSON.stringify(inactive)) accepted.push(token)
  })
  expect(accepted).toEqual([])
  expect(trap.count()).toBe(0)
  expect(await app.introspect(good)).toMatchObject({ active: true, sub: 'ada' })
})
