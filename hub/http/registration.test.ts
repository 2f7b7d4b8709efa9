import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { parseRegistration } from '../../protocol/registration.ts'
import { day, jwks, management, startHub, type TestHub } from '../test-hub.ts'

let hub: TestHub

beforeAll(async () => {
  hub = await startHub()
})

beforeEach(() => {
  hub.time.laterMs = 0
})

afterAll(() => hub[Symbol.asyncDispose]())

test.each([
  ['SHARED_SECRET', {}, 'client_secret_jwt'],
  ['RSA_3072', { jwks }, 'private_key_jwt'],
] as const)(
  'an agent of the profile %s registers, gets tokens, rotates and is offboarded',
  async (profile, keys, method) => {
    const { id, boarding } = await hub.create(profile)
    expect(boarding.content).toMatchObject({ baseUrl: hub.base(), clientId: id, tenant: 'default' })
    expect(boarding.content.clientCredentialProfile).toEqual([profile])
    expect(boarding.content.mqtt).toMatch(/^mqtt:\/\/127\.0\.0\.1:[1-9]\d+$/)

    const registered = await hub.register(boarding, keys)
    expect(registered.status).toBe(201)
    const registration = parseRegistration(registered.json, 'registration')
    expect(registration).toMatchObject({
      client_id: id,
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: method,
    })
    expect(registration.client_secret_expires_at).toBeGreaterThan(Date.parse('2026-01-01') / 1000)

    const issued = await hub.token(registration)
    expect(issued).toMatchObject({ status: 200, json: { token_type: 'Bearer', expires_in: 3600 } })
    expect(issued.json.scope).toEqual(['mdsp:core:DefaultAgent'])
    const own = `${management}/agents/${id}/dataSourceConfiguration`
    expect((await hub.call('GET', own, { token: issued.json.access_token })).status).toBe(200)

    const rotated = await hub.rotate(registration, keys)
    expect(rotated.status).toBe(200)
    expect((await hub.token(parseRegistration(rotated.json, 'registration'))).status).toBe(200)

    const offboard = `${management}/agents/${id}/boarding/offboard`
    const headers = { 'content-type': 'application/json' }
    expect(await hub.call('POST', offboard, { token: hub.service, headers })).toMatchObject({
      status: 200,
      json: { status: 'NOT_ONBOARDED' },
    })
    expect((await hub.call('GET', own, { token: issued.json.access_token })).status).toBe(401)
    expect((await hub.token(rotated.json)).status).toBe(400)
    expect((await hub.rotate(rotated.json, keys)).status).toBe(401)
    expect((await hub.register(boarding, keys)).status).toBe(401)
    const { boarding: again } = await hub.operate('agent.boarding', { id })
    expect(again.content.iat).not.toBe(boarding.content.iat)
    expect((await hub.register(again, keys)).status).toBe(201)
    expect((await hub.call('GET', own, { token: issued.json.access_token })).status).toBe(401)
  },
)

test('a boarding configuration keeps every byte across requests and restarts of the hub', async () => {
  const { id, boarding } = await hub.create('SHARED_SECRET')
  const path = `${management}/agents/${id}/boarding/configuration`
  expect((await hub.call('GET', `${path}?`, { token: hub.service })).json).toEqual(boarding)
  await hub.restart()
  const { content } = (await hub.call('GET', path, { token: hub.service })).json
  expect(content.iat).toBe(boarding.content.iat)
  expect((await hub.register({ ...boarding, content })).status).toBe(201)
})

test('a request repeated with its idempotency key gets the very same answer', async () => {
  const { boarding } = await hub.create('SHARED_SECRET')
  const headers = { 'idempotency-key': 'attempt-1' }
  const { json: first } = await hub.register(boarding, {}, headers)
  expect((await hub.register(boarding, {}, headers)).json).toEqual(first)
  const rotation = { 'idempotency-key': 'attempt-2' }
  const { json: second } = await hub.rotate(first, {}, rotation)
  expect(second.client_secret).not.toBe(first.client_secret)
  expect((await hub.rotate(first, {}, rotation)).json).toEqual(second)
  expect((await hub.token(second)).status).toBe(200)
  expect((await hub.rotate(first, {}, rotation)).json.client_secret).not.toBe(second.client_secret)
})

test('an agent whose rotation answer was lost recovers, also after months', async () => {
  const { boarding } = await hub.create('SHARED_SECRET')
  const { json: registration } = await hub.register(boarding)
  await hub.rotate(registration) // the answer is lost
  expect((await hub.token(registration)).status).toBe(200)
  hub.time.laterMs = 200 * day
  expect((await hub.token(registration)).status).toBe(400)
  const { status, json: recovered } = await hub.rotate(registration)
  expect(status).toBe(200)
  expect((await hub.token(recovered)).status).toBe(200)
  expect((await hub.rotate(recovered)).status).toBe(200)
  expect((await hub.rotate(registration)).status).toBe(401)
})

test('refusals of the token endpoint are 400 and tell the time', async () => {
  const { boarding } = await hub.create('SHARED_SECRET')
  const { json: registration } = await hub.register(boarding)
  hub.time.laterMs = 30 * day
  const headers = { 'correlation-id': 'c0ffee' }
  const refused = await hub.token({ ...registration, client_secret: 'wrong' })
  expect(refused).toMatchObject({ status: 400, json: { error: 'invalid_client' } })
  expect(Number(refused.headers['server-time']) * 1000).toBeGreaterThan(systemClock.now() + 29 * day)
  const path = `${management}/oauth/token`
  const malformed = await hub.call('POST', path, { body: 'grant_type=client_credentials', headers })
  expect(malformed).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
  expect(malformed.json.error_description).toMatch(/^\[c0ffee\] /)
  const other = `grant_type=password&client_assertion_type=x&client_assertion=x`
  expect((await hub.call('POST', path, { body: other })).json.error).toBe('unsupported_grant_type')
})

test('a used initial access token, another kind of token and none are told apart as clients expect', async () => {
  const { boarding } = await hub.create('SHARED_SECRET')
  const { json: registration } = await hub.register(boarding)
  const used = await hub.register(boarding)
  expect(used).toMatchObject({ status: 401, json: { error: 'token_validation_failed' } })
  expect(used.json.error_description).toMatch(/^\[[0-9a-f]{32}\] Token validation failed\.$/)
  const { registration_access_token } = registration
  const confused = await hub.call('POST', `${management}/register`, {
    token: registration_access_token,
    body: {},
  })
  expect(confused.status).toBe(401)
  const without = await hub.call('POST', `${management}/register`, { body: {} })
  expect(without).toMatchObject({ status: 400, json: { error: 'invalid_authorization_header' } })
})

test('an RSA key of less than 3072 bits is refused and the initial access token stays good', async () => {
  const { boarding } = await hub.create('RSA_3072')
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const short = { jwks: { keys: [{ kid: 'k', ...publicKey.export({ format: 'jwk' }) }] } }
  expect(await hub.register(boarding, short)).toMatchObject({
    status: 400,
    json: { error: 'invalid_request' },
  })
  expect((await hub.register(boarding, {})).status).toBe(400)
  expect((await hub.register(boarding, { jwks })).status).toBe(201)
})
