import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRedactor } from './redact.ts'

const secret = 'Grüße&aus "Ulm"/7'

test('a secret that is known is cut in every form, within other text too', () => {
  const redact = createRedactor([secret])
  const bytes = Buffer.from(secret)
  const spelled = [
    ...[secret, encodeURIComponent(secret), JSON.stringify({ x: secret })],
    ...[bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
    ...['', 'a', 'ab', 'abc:'].flatMap((before) => [
      Buffer.from(`${before}${secret}`).toString('base64'),
      Buffer.from(`${before}${secret} and more`).toString('base64url'),
    ]),
  ]
  for (const text of spelled) {
    const found = redact(`before ${text} behind`)
    expect([text, found]).toEqual([
      text,
      { cuts: 1, text: expect.stringMatching(/^before .*\[cut\].* behind$/) },
    ])
  }
  expect(redact('nothing of it').cuts).toBe(0)
})

test('a certificate that names a secret is cut as a whole, wherever its lines break', () => {
  const of = (text: string) =>
    `-----BEGIN CERTIFICATE-----\n${btoa(text).replaceAll(/.{5}/g, '$&\n')}\n-----END CERTIFICATE-----`
  const redact = createRedactor(['halle-zwei'])
  expect(redact(`a ${of('CN=press halle-zwei')} b`)).toEqual({ text: 'a [cut] b', cuts: 1 })
  expect(redact(of('CN=press')).cuts).toBe(0)
})

test('what looks like a secret is cut, and the name that it has stays', () => {
  const redact = createRedactor([])
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const cases: [string, string][] = [
    [`a ${pem}b`, 'a [cut]\nb'],
    [JSON.stringify({ x: pem }), '{"x":"[cut]\\n"}'],
    [`${pem.slice(0, 90)}`, '[cut]'],
    ['token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.abc_-1', 'token [cut]'],
    ['authorization: Basic dXNlcjpwYXNz', 'authorization: Basic [cut]'],
    ['{"client_secret":"a\\"b","n":1}', '{"client_secret":"[cut]","n":1}'],
    ['{"text":"{\\"password\\":\\"abc\\"}"}', '{"text":"{\\"password\\":\\"[cut]\\"}"}'],
    ['http://ann:secret@proxy:3128/', 'http://[cut]@proxy:3128/'],
    ['EDGEWARD_PROXY_SECRET=abc', 'EDGEWARD_PROXY_SECRET=[cut]'],
    ['password = "a b"', 'password = [cut]'],
    ['"ca_key": "pkcs11:id=1?pin-value=1234"', '"ca_key": "pkcs11:id=1?pin-value=[cut]"'],
    ['?access_token=abc&x=1', '?access_token=[cut]&x=1'],
  ]
  for (const [text, wanted] of cases) expect(redact(text)).toEqual({ text: wanted, cuts: 1 })
})

test('what only sounds like a secret stays', () => {
  const redact = createRedactor([])
  for (const text of [
    '{"token_lifespan":172800000,"credentials_file":"/etc/edgeward/proxy","secret":null}',
    'edgeward_credential_expires_timestamp_seconds 1796000000',
    'https://hub.plant.example:8443/oauth/token',
    '"edgeward rotate" rotates the credential',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  ])
    expect(redact(text)).toEqual({ text, cuts: 0 })
})

test('a line that a stranger has made long is looked through as well', () => {
  const line = 'a-'.repeat(200_000)
  expect(createRedactor([])(`${line} token=secret-of-mine`)).toEqual({ text: `${line} token=[cut]`, cuts: 1 })
})
