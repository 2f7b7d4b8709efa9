import { createHmac, generateKeyPairSync } from 'node:crypto'
import { importPKCS8, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, formType, introspectPath, sessionPolicy, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let secret: string
let token: string

beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ann@plant.example', 'Admin', 'Viewer')
  const app = (await edge.run('app.add', { name: 'press', version: '1.0' })) as { client_secret: string }
  secret = app.client_secret
  token = await edge.signIn('ann@plant.example')
})
afterAll(() => edge[Symbol.asyncDispose]())

const basic = (id: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}`,
})
const form = (fields: Record<string, string>) => new URLSearchParams(fields)
const introspect = (ask: Ask, path = introspectPath) => edge.ask(path, { method: 'POST', ...ask })

const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token has the claims that edge apps know', () => {
  const [header, payload] = token.split('.').slice(0, 2).map(decode)
  expect(header).toEqual({ alg: 'ES256', kid: expect.any(String), typ: 'JWT' })
  expect(payload).toEqual({
    aud: [''],
    client_id: 'authsdk',
    exp: payload.iat + 3600,
    iat: expect.any(Number),
    iss: 'urn:industrial.edge.device',
    jti: uuid,
    nbf: payload.iat,
    roles: ['Admin', 'Viewer'],
    scp: ['openid'],
    sub: 'ann@plant.example',
  })
})

test.each([introspectPath, `${introspectPath}/`])('%s tells an app about a good token', async (path) => {
  const { iat, exp, nbf } = decode(token.split('.')[1])
  const answers = [
    await introspect({ headers: basic('press', secret), body: form({ token }) }, path),
    await introspect({ body: form({ token, client_id: 'press', client_secret: secret }) }, path),
    await introspect({ via: 'internal', body: form({ token }) }, path),
  ]
  for (const answer of answers) {
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({
      active: true,
      scope: 'openid',
      client_id: uuid,
      sub: 'ann@plant.example',
      exp,
      iat,
      nbf,
      aud: [],
      iss: 'urn:industrial.edge.device',
      token_type: 'Bearer',
      token_use: 'access_token',
      ext: { roles: ['Admin', 'Viewer'] },
    })
  }
})

describe('a caller without good client credentials learns nothing:', () => {
  test.each<[string, Ask]>([
    ['none', {}],
    ['wrong secret', { headers: basic('press', 'wrong') }],
    ['empty secret', { headers: basic('press', '') }],
    ['unknown app', { headers: basic('other', 'wrong') }],
    ['not base64', { headers: { authorization: 'Basic %%%' } }],
    ['bearer', { headers: { authorization: 'Bearer x' } }],
    ['missing secret', { body: form({ token: 'x', client_id: 'press' }) }],
    ['empty secret in the body', { body: form({ token: 'x', client_id: 'press', client_secret: '' }) }],
    ['wrong secret even where none is needed', { via: 'internal', headers: basic('press', 'wrong') }],
    ['a proxy that says the caller is local', { headers: { 'x-forwarded-for': '127.0.0.1' } }],
  ])('%s', async (_name, ask) => {
    const answer = await introspect({ body: form({ token }), ...ask })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/)
    expect(answer.json()).toMatchObject({ error: 'invalid_client' })
  })
})

describe('a malformed request is refused as OAuth says:', () => {
  test.each<[string, number, () => Ask]>([
    ['no token', 400, () => ({ body: form({}) })],
    ['empty token', 400, () => ({ body: form({ token: '' }) })],
    ['two tokens', 400, () => ({ body: `token=a&token=b`, headers: { 'content-type': formType } })],
    ['credentials twice', 400, () => ({ body: form({ token, client_id: 'press', client_secret: secret }) })],
    ['JSON', 415, () => ({ body: { token } })],
    ['no content type', 415, () => ({ body: `token=${token}` })],
    ['compressed', 415, () => ({ body: form({ token }), headers: { 'content-encoding': 'br' } })],
    ['more than 64 KB', 413, () => ({ body: form({ token: 'x'.repeat(70_000) }) })],
  ])('%s', async (_name, status, ask) => {
    const { headers, ...rest } = ask()
    const answer = await introspect({ ...rest, headers: { ...basic('press', secret), ...headers } })
    expect(answer.status).toBe(status)
    expect(answer.json()).toMatchObject({ error: 'invalid_request' })
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s', async (method) => {
    const answer = await introspect({ method })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('POST')
  })
})

describe('only the one text of a token is good:', () => {
  const last = (text: string) => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    return `${text.slice(0, -1)}${alphabet[alphabet.indexOf(text.at(-1) as string) ^ 1]}`
  }
  test.each<[string, (token: string) => string]>([
    ['unused bits of the last character', last],
    ['padding', (text) => `${text}==`],
    ['a space within', (text) => `${text.slice(0, -5)} ${text.slice(-5)}`],
    ['a newline after', (text) => `${text}\n`],
    ['a space before', (text) => ` ${text}`],
    ['the other alphabet', (text) => text.replace(/[-_]/g, (character) => (character === '-' ? '+' : '/'))],
  ])('%s', async (_name, variant) => {
    let fresh = token
    while (variant(fresh) === fresh) fresh = await edge.signIn('ann@plant.example') // no - or _ in it
    expect(await edge.introspect(fresh)).toMatchObject({ active: true })
    expect(await edge.introspect(variant(fresh))).toEqual({ active: false })
  })
})

describe('a token that we did not make is not good:', () => {
  const publicJwk = async () => {
    const { keys } = (await edge.ask('/device/edge/auth/oauth2/jwks')).json() as { keys: { kid: string }[] }
    return keys[0] as { kid: string }
  }
  test('the published key is public', async () => {
    expect(Object.keys(await publicJwk()).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })
  test.each(['none', 'None', 'HS256', 'ES256'])('alg %s without a signature of ours', async (alg) => {
    const { kid } = await publicJwk()
    const signed = `${encode({ alg, kid, typ: 'JWT' })}.${token.split('.')[1]}`
    const hmac = createHmac('sha256', JSON.stringify(await publicJwk()))
      .update(signed)
      .digest('base64url')
    for (const signature of ['', hmac, Buffer.alloc(64).toString('base64url')])
      expect(await edge.introspect(`${signed}.${signature}`)).toEqual({ active: false })
  })
  test('signed by a stranger under our key id, or with a key in its header', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = await importPKCS8(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'ES256')
    const { kid } = await publicJwk()
    const headers = [
      { alg: 'ES256', kid },
      { alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) },
      { alg: 'ES256', kid: '../../etc/passwd' },
    ]
    for (const header of headers) {
      const forged = await new SignJWT(decode(token.split('.')[1])).setProtectedHeader(header).sign(key)
      expect(await edge.introspect(forged)).toEqual({ active: false })
    }
  })
  test.each(['x', '.', '..', 'a.b.c', 'x'.repeat(10_000)])('garbage', async (garbage) => {
    expect(await edge.introspect(garbage)).toEqual({ active: false })
  })
})

test('a token ends with its lifespan, and a clock that is set changes nothing about that', async () => {
  await using other = await startEdgeAuth({ sessions: { ...sessionPolicy, lifespanMs: 60_000 } })
  await other.addUser('bob', 'Viewer')
  const token = await other.signIn('bob')
  for (const step of [-120_000, 86_400_000, -3_600_000]) {
    other.stepClock(step)
    expect(await other.introspect(token)).toMatchObject({ active: true })
  }
  other.passTime(60_000)
  expect(await other.introspect(token)).toEqual({ active: false })
  other.stepClock(-120_000)
  expect(await other.introspect(token)).toEqual({ active: false })
})

test('introspect_public opens the apps listener too', async () => {
  await using other = await startEdgeAuth({ introspectPublic: true })
  await other.addUser('bob', 'Viewer')
  const body = form({ token: await other.signIn('bob') })
  const answer = await other.ask(introspectPath, { method: 'POST', body })
  expect(answer.json()).toMatchObject({ active: true, sub: 'bob' })
})

test('the introspection listener serves nothing else', async () => {
  for (const path of ['/device/edge/auth/login', '/device/edge/auth/verify', '/device/edge/auth/oauth2/jwks'])
    expect((await edge.ask(path, { via: 'internal' })).status).toBe(404)
})
