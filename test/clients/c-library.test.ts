import { createHmac, createPrivateKey, createPublicKey, randomBytes, randomUUID, sign } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BoardingConfiguration, SecurityProfile } from '../../protocol/boarding.ts'
import { createAgent, readings } from '../harness.ts'
import { type ClientHub, pkcs1Key, startClientHub } from './hub.ts'

/** Requests in the exact shapes of the C library mindconnect-lib, made by hand. */

let hub: ClientHub

beforeAll(async () => {
  hub = await startClientHub()
})

afterAll(() => hub[Symbol.asyncDispose]())

const management = '/api/agentmanagement/v3'
const common = {
  Accept: 'application/json',
  'User-Agent': 'MCL/4.4.0 (custom agent)',
  'Correlation-ID': randomBytes(16).toString('hex'),
}
const key = createPrivateKey(pkcs1Key())

const send = (method: string, path: string, headers: Record<string, string>, body: string, to = hub) =>
  fetch(`${to.base}${path}`, { method, headers: { ...common, ...headers }, body })

/** Base64url that keeps its padding, which RFC 7515 forbids. */
const padded = (bytes: Buffer | string): string =>
  Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_')

interface Registered {
  client_id: string
  client_secret?: string
  registration_access_token: string
}

function assertion({ client_id: id, client_secret: secret }: Registered, tenant: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    jti: randomUUID(),
    iss: id,
    sub: id,
    aud: 'southgate',
    iat: now,
    nbf: now,
    exp: now + 86_400,
    schemas: ['urn:siemens:mindsphere:v1'],
    ten: tenant,
    ' ': ' '.repeat(id.length % 3), // so that there is padding
  }
  const header = `{"typ":"JWT","alg":"${secret ? 'HS256' : 'RS256'}"}`
  const text = `${Buffer.from(header).toString('base64url')}.${padded(JSON.stringify(claims))}`
  const signature = secret
    ? createHmac('sha256', secret).update(text).digest()
    : sign('RSA-SHA256', Buffer.from(text), key)
  return `${text}.${padded(signature)}`
}

const jwks = () => {
  const { n, e } = createPublicKey(key).export({ format: 'jwk' })
  return { keys: [{ e, n, kty: 'RSA', kid: randomUUID().toUpperCase() }] }
}

const json = { 'Content-Type': 'application/json' }
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

async function register(
  { content }: BoardingConfiguration,
  profile: SecurityProfile,
  to = hub,
): Promise<Registered> {
  const body = profile === 'RSA_3072' ? { jwks: jwks() } : {}
  const headers = { ...json, ...bearer(content.iat) }
  const answer = await send('POST', `${management}/register`, headers, JSON.stringify(body), to)
  expect(answer.status).toBe(201)
  return (await answer.json()) as Registered
}

/** Neither the colons of the type nor the padding of the assertion are escaped. */
async function token(registered: Registered, tenant: string, to = hub) {
  const body = [
    'grant_type=client_credentials',
    'client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    `client_assertion=${assertion(registered, tenant)}`,
  ].join('&')
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  return send('POST', `${management}/oauth/token`, headers, body, to)
}

function rotate({ client_id, registration_access_token }: Registered, profile: SecurityProfile, to = hub) {
  const body = { client_id, ...(profile === 'RSA_3072' ? { jwks: jwks() } : {}) }
  const headers = { ...json, ...bearer(registration_access_token) }
  return send('PUT', `${management}/register/${client_id}`, headers, JSON.stringify(body), to)
}

/** CRLF throughout, compact JSON, a random boundary, and no line end at the end. */
function exchangeBody(tuples: { type: string; details?: object; contentType: string; payload: string }[]) {
  const boundary = () => randomBytes(10).toString('hex')
  const outer = boundary()
  const parts = tuples.map(({ type, details, contentType, payload }) => {
    const inner = boundary()
    const meta = {
      type: 'item',
      version: '1.0',
      payload: { type, version: '1.0', ...(details ? { details } : {}) },
    }
    return [
      `--${outer}`,
      `Content-Type: multipart/related;boundary=${inner}`,
      '',
      `--${inner}`,
      'Content-Type: application/vnd.siemens.mindsphere.meta+json',
      '',
      JSON.stringify(meta),
      `--${inner}`,
      `Content-Type: ${contentType}`,
      '',
      payload,
      `--${inner}--`,
      '',
    ].join('\r\n')
  })
  return {
    contentType: `multipart/mixed;boundary=${outer};charset=utf-8`,
    body: `${parts.join('')}--${outer}--`,
  }
}

test.each(['SHARED_SECRET', 'RSA_3072'] as const)(
  'the C library with the profile %s registers, uploads and rotates',
  async (profile) => {
    const { id, boarding } = await createAgent(hub.hub, `C ${profile}`, profile)
    const { tenant } = boarding.content
    const registered = await register(boarding, profile)
    const issued = await token(registered, tenant)
    expect(issued.status).toBe(200)
    expect(Number(issued.headers.get('server-time'))).toBeGreaterThan(1_700_000_000)
    const { access_token, scope } = (await issued.json()) as { access_token: string; scope: string[] }
    expect(scope).toEqual(['mdsp:core:DefaultAgent'])

    const points = [{ id: 'DP1', name: 'n', description: '', type: 'DOUBLE', unit: '', customData: {} }]
    const timestamp = '2026-11-21T10:00:00.000Z'
    const { contentType, body } = exchangeBody([
      {
        type: 'dataSourceConfiguration',
        contentType: 'application/json',
        payload: JSON.stringify({
          configurationId: 'CF',
          dataSources: [{ name: 's', description: '', dataPoints: points, customData: {} }],
        }),
      },
      {
        type: 'standardTimeSeries',
        details: { configurationId: 'CF' },
        contentType: 'application/json',
        payload: JSON.stringify([
          { timestamp, values: [{ dataPointId: 'DP1', value: '1.5', qualityCode: '00000000' }] },
        ]),
      },
      {
        type: 'file',
        details: { fileName: 'report.txt', creationDate: timestamp },
        contentType: 'application/octet-stream',
        payload: 'line one\r\n--not a boundary--\r\n',
      },
    ])
    const exchange = (accessToken: string) =>
      send(
        'POST',
        '/api/mindconnect/v3/exchange',
        { 'Content-Type': contentType, ...bearer(accessToken) },
        body,
      )
    const taken = await exchange(access_token)
    expect([taken.status, await taken.text()]).toEqual([200, ''])
    expect(await readings(hub.hub, id)).toEqual([{ pointId: 'DP1', time: timestamp, value: 1.5, quality: 0 }])
    const file = await fetch(`${hub.base}/api/iotfile/v3/files/${id}/report.txt`, {
      headers: bearer(await hub.token()),
    })
    expect(await file.text()).toBe('line one\r\n--not a boundary--\r\n')
    expect((await exchange(`${access_token}x`)).status).toBe(401) // upon which it asks for a new token

    const rotated = await rotate(registered, profile)
    expect(rotated.status).toBe(200)
    const renewed = (await rotated.json()) as Registered
    expect((await token(renewed, tenant)).status).toBe(200)

    const log = hub.hub.log()
    expect(log).toContain('credential handed out')
    const rats = [registered, renewed].map((answer) => answer.registration_access_token)
    const secrets = [registered, renewed].flatMap((answer) => answer.client_secret ?? [])
    for (const secret of [boarding.content.iat, access_token, ...rats, ...secrets])
      expect(log).not.toContain(secret)
  },
)

test('a secret that is not in force is refused with 400, upon which the C library rotates', async () => {
  const { boarding } = await createAgent(hub.hub, 'C wrong secret', 'SHARED_SECRET')
  const registered = await register(boarding, 'SHARED_SECRET')
  const refused = await token({ ...registered, client_secret: 'another' }, boarding.content.tenant)
  expect(refused.status).toBe(400)
  expect(await refused.json()).toMatchObject({ error: 'invalid_client' })
})

test.each([
  ['lenient, the agent goes on', [], [200, 200]],
  ['strict, the agent is locked out', ['--strict-rat'], [400, 401]],
] as const)('when the answer to a rotation is lost and the hub is %s', async (_end, options, statuses) => {
  await using own = await startClientHub({}, options)
  const { boarding } = await createAgent(own.hub, 'C', 'SHARED_SECRET')
  const registered = await register(boarding, 'SHARED_SECRET', own)
  await rotate(registered, 'SHARED_SECRET', own) // the answer is lost
  const issued = await token(registered, boarding.content.tenant, own)
  const rotated = await rotate(registered, 'SHARED_SECRET', own)
  expect([issued.status, rotated.status]).toEqual(statuses)
})
