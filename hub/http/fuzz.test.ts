import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jwks, management, startHub, type TestHub } from '../test-hub.ts'

let hub: TestHub

beforeAll(async () => {
  hub = await startHub()
})

afterAll(() => hub[Symbol.asyncDispose]())

const anyBody = fc.oneof(
  fc.jsonValue().filter((value) => typeof value !== 'string'),
  fc.record({ client_id: fc.jsonValue(), jwks: fc.jsonValue() }, { requiredKeys: [] }),
  fc.record({
    jwks: fc.record({
      keys: fc.array(
        fc.record({
          kty: fc.constantFrom('RSA', 'EC'),
          kid: fc.string(),
          n: fc.oneof(fc.string(), fc.base64String({ minLength: 512 }), fc.constant(jwks.keys[0]?.n ?? '')),
          e: fc.oneof(fc.string(), fc.constant('AQAB')),
        }),
      ),
    }),
  }),
)

test('whatever is sent to register is refused as defined, and leaves the agent as it was', async () => {
  const { id, boarding } = await hub.create('SHARED_SECRET')
  await fc.assert(
    fc.asyncProperty(anyBody, async (body) => {
      const isRequest = typeof body === 'object' && body !== null && !('jwks' in body) && !Array.isArray(body)
      fc.pre(!isRequest) // one that only has unknown properties registers
      const { status, json } = await hub.call('POST', `${management}/register`, {
        token: boarding.content.iat,
        body: body as object,
      })
      expect(status).toBe(400)
      expect(json).toMatchObject({ error: 'invalid_request', error_description: expect.any(String) })
    }),
    { numRuns: 100 },
  )
  expect(await hub.operate('agent.show', { id })).toMatchObject({
    boardingStatus: 'ONBOARDING',
    credential: null,
  })
  expect((await hub.register(boarding)).status).toBe(201)
})

test('whatever token is presented to register, nobody gets in', async () => {
  const { boarding } = await hub.create('SHARED_SECRET')
  const [header, claims, signature] = boarding.content.iat.split('.') as [string, string, string]
  const text = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCXYZ0189-_.=') })
  const tokens = fc.oneof(
    text,
    text.map((garbage) => `${header}.${garbage}.${signature}`),
    text.map((garbage) => `${garbage}.${claims}.${signature}`),
    fc
      .jsonValue()
      .map((value) => `${Buffer.from(JSON.stringify(value)).toString('base64url')}.${claims}.${signature}`),
  )
  await fc.assert(
    fc.asyncProperty(tokens, async (token) => {
      const { status } = await hub.call('POST', `${management}/register`, { token, body: {} })
      expect([400, 401]).toContain(status)
    }),
    { numRuns: 100 },
  )
  expect((await hub.register(boarding)).status).toBe(201)
})

test('whatever is sent for a token is refused with 400 and the error of the RFC', async () => {
  const assertion = fc.oneof(
    fc.string(),
    fc
      .array(fc.jsonValue(), { minLength: 3, maxLength: 3 })
      .map((parts) => parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')),
    fc
      .record({ iss: fc.jsonValue(), sub: fc.jsonValue(), aud: fc.jsonValue(), exp: fc.jsonValue() })
      .map((claims) =>
        ['{"alg":"HS256"}', JSON.stringify(claims), 'x']
          .map((part) => Buffer.from(part).toString('base64url'))
          .join('.'),
      ),
  )
  const body = fc.oneof(
    fc.string(),
    assertion.map((client_assertion) =>
      new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion,
      }).toString(),
    ),
  )
  await fc.assert(
    fc.asyncProperty(body, async (form) => {
      const { status, json } = await hub.call('POST', `${management}/oauth/token`, { body: form })
      expect(status).toBe(400)
      expect(['invalid_request', 'invalid_client', 'unsupported_grant_type']).toContain(json.error)
    }),
    { numRuns: 200 },
  )
})
