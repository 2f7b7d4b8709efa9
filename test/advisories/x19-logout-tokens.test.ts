import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  randomUUID,
  sign,
} from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, openBox, verifyPath } from './boxed.ts'
import { addApp, formHeader, inParallel, type OauthApp, revokePath } from './oauth-app.ts'

/*
 * X19: a logout token (OpenID Connect Back-Channel Logout) that nobody has the right to send ends no session.
 * This box trusts no identity provider, so there is none that may: its back channel believes nobody, and
 * elsewhere such a token says nothing. What a trusted one may send, and what is forged in its name, is in
 * sso.test.ts.
 */

interface Listed {
  id: string
  user: string
}

let box: Box
let app: OauthApp
let token: string
let before: Listed[]
let forged: string[]
const sessions = async () =>
  (await box.gateway.operate<Listed[]>('session.list')).map(({ id, user }) => ({ id, user }))
const passes = async (held: string) =>
  (
    await box.askAsProxy(verifyPath, {
      headers: { cookie: `access_token=${held}`, 'x-original-uri': '/press/', 'x-original-method': 'GET' },
    })
  ).status
beforeAll(async () => {
  box = await openBox({ proxied: false })
  app = await addApp(box, 'asking')
  token = await box.token('ann')
  await box.token('vic')
  before = await sessions()
  const { keys } = JSON.parse((await box.ask('/device/edge/auth/oauth2/jwks')).text)
  forged = logoutTokens(keys[0], before)
})
afterAll(() => box[Symbol.asyncDispose]())

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const event = { 'http://schemas.openid.net/event/backchannel-logout': {} }

/** Each a logout token for a session that is open, with a signature that nobody has to believe. */
function logoutTokens(jwk: JsonWebKey & { kid: string }, open: readonly Listed[]): string[] {
  const iat = Math.floor(Date.now() / 1000)
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const pem = key.export({ type: 'spki', format: 'pem' })
  const usual = { iss: 'urn:industrial.edge.device', aud: 'urn:industrial.edge.device', iat, exp: iat + 120 }
  const claims = open.flatMap(({ id, user }) =>
    [
      { sub: user, sid: id, events: event },
      { sub: user, events: event },
      { sid: id, events: event },
      { sub: user, sid: id },
      { sub: user, sid: id, events: event, nonce: 'x' },
      { sub: user, sid: id, events: event, iat: iat - 3600 },
      { sub: user, sid: id, events: event, iss: 'https://idp.example', aud: 'edgeward' },
      { events: event },
    ].map((more) => ({ ...usual, jti: randomUUID(), ...more })),
  )
  return claims.flatMap((claim) =>
    ['logout+jwt', 'JWT'].flatMap((typ) => {
      const input = (header: object) => `${encode({ typ, kid: jwk.kid, ...header })}.${encode(claim)}`
      const [none, hmac, ecdsa] = [input({ alg: 'none' }), input({ alg: 'HS256' }), input({ alg: 'ES256' })]
      const by = { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' } as const
      return [
        `${none}.`,
        `${hmac}.${createHmac('sha256', pem).update(hmac).digest('base64url')}`,
        `${ecdsa}.${sign('sha256', Buffer.from(ecdsa), by).toString('base64url')}`,
      ]
    }),
  )
}

const form = (fields: Record<string, string>, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { ...formHeader, ...headers },
  body: new URLSearchParams(fields).toString(),
})
const fieldsOf = (logoutToken: string) => ({
  ...{ logout_token: logoutToken, token: logoutToken, id_token_hint: logoutToken, sub: 'ann' },
  sid: (before[0] as Listed).id,
})
const unharmed = async () => {
  expect(await sessions()).toEqual(before)
  expect(await passes(token)).toBe(200)
}

const logoutPath = '/device/edge/auth/logout'
const sso = '/device/edge/auth/sso'
const backChannel = [
  ...['', '/', '/logout', '/backchannel', '/backchannel_logout', '/back-channel-logout'],
  ...['/callback', '/login', '/frontchannel-logout', '/idp/logout', '/x/backchannel-logout'],
].map((path) => sso + path)

test('X19: the back channel refuses every token', async () => {
  await inParallel(forged, 8, async (logoutToken) => {
    for (const ask of [box.ask, box.askAsProxy])
      expect((await ask(`${sso}/backchannel-logout`, form(fieldsOf(logoutToken)))).status).toBe(400)
    const body = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: logoutToken }
    expect((await box.askAsProxy(`${sso}/keycloak/x/k_logout`, body)).status).toBe(400)
  })
  await unharmed()
})

test('X19: where else a back channel could be, nobody answers', async () => {
  expect(forged.length).toBeGreaterThan(50)
  const few = forged.filter((_, index) => index % 8 === 0)
  const asked = backChannel.flatMap((path) => few.map((logoutToken) => ({ path, logoutToken })))
  await inParallel(asked, 8, async ({ path, logoutToken }) => {
    for (const ask of [box.ask, box.askAsProxy, box.askAdmin])
      expect([path, (await ask(path, form(fieldsOf(logoutToken)))).status]).toEqual([path, 404])
    const query = new URLSearchParams(fieldsOf(logoutToken))
    expect([path, (await box.askAsProxy(`${path}?${query}`)).status]).toEqual([path, 404])
  })
  await unharmed()
})

test('X19: signing out ends the session of the cookie, not one that a logout token names', async () => {
  await inParallel(forged, 8, async (logoutToken) => {
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://idp.example' }
    const where = `${logoutPath}?everywhere=1&logout_token=${logoutToken}`
    expect((await box.askAsProxy(where, form(fieldsOf(logoutToken), foreign))).status).toBe(403)
    expect((await box.askAsProxy(`${logoutPath}?logout_token=${logoutToken}`)).status).toBe(405)
    // Nobody's cookie is signed out already, so this is no error; it has ended nothing all the same.
    for (const cookie of ['', `access_token=${logoutToken}`])
      expect((await box.askAsProxy(where, form(fieldsOf(logoutToken), { cookie }))).status).toBe(204)
    const bearer = { authorization: `Bearer ${logoutToken}` }
    expect((await box.askAsProxy(where, form(fieldsOf(logoutToken), bearer))).status).toBe(204)
  })
  await unharmed()
})

test('X19: it revokes nothing, with the credentials of an app or without', async () => {
  await inParallel(forged, 8, async (logoutToken) => {
    expect((await box.ask(revokePath, form({ token: logoutToken }))).status).toBe(401)
    const bearer = { authorization: `Bearer ${logoutToken}` }
    expect((await box.ask(revokePath, form({ token: logoutToken }, bearer))).status).toBe(401)
    expect((await app.post(revokePath, { logout_token: logoutToken })).status).toBe(400)
    // RFC 7009 2.2: a token that is no good is as good as revoked.
    expect((await app.post(revokePath, { token: logoutToken })).status).toBe(200)
  })
  await unharmed()
})

test('X19: the real token, sent by an app, does end its session', async () => {
  expect((await app.post(revokePath, { token })).status).toBe(200)
  expect((await sessions()).map(({ user }) => user)).not.toContain('ann')
  expect(await passes(token)).toBe(401)
})
