import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Answer, type Ask, introspectPath, startEdgeAuth } from '../../test/edge-auth.ts'

const tokenPath = '/device/edge/auth/oauth2/token'
const revokePath = '/device/edge/auth/oauth2/revoke'
const issuer = 'urn:industrial.edge.device'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
})
afterAll(() => edge[Symbol.asyncDispose]())

interface TestApp {
  id: string
  ask(path: string, fields: Record<string, string>): Promise<Answer>
  token(fields?: Record<string, string>): Promise<string>
  introspect(token: string): Promise<unknown>
}

async function addApp(id: string): Promise<TestApp> {
  const { client_secret } = (await edge.run('app.add', { name: id, version: '1' })) as {
    client_secret: string
  }
  const authorization = `Basic ${Buffer.from(`${id}:${client_secret}`).toString('base64')}`
  const ask = (path: string, fields: Record<string, string>) =>
    edge.ask(path, { method: 'POST', headers: { authorization }, body: new URLSearchParams(fields) })
  return {
    id,
    ask,
    async token(fields = {}) {
      const answer = await ask(tokenPath, { grant_type: 'client_credentials', ...fields })
      return (answer.json() as { access_token: string }).access_token
    },
    introspect: async (token) => (await ask(introspectPath, { token })).json(),
  }
}

const inactive = { active: false }
const post = (path: string, fields: Record<string, string>, ask: Ask = {}) =>
  edge.ask(path, { method: 'POST', body: new URLSearchParams(fields), ...ask })

describe('a technical token', () => {
  test('stands for the app alone, and for this box', async () => {
    const press = await addApp('press')
    const answer = await press.ask(tokenPath, { grant_type: 'client_credentials' })
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const { access_token, ...rest } = answer.json() as { access_token: string }
    const scope =
      'assets:read assets:write events:read events:write files:read files:write timeseries:read timeseries:write'
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: 3600, scope })
    const iat = expect.any(Number)
    expect(await press.introspect(access_token)).toEqual({
      ...{ active: true, scope, client_id: 'press', sub: 'press', exp: iat, iat, nbf: iat },
      ...{ aud: [issuer], iss: issuer, token_type: 'Bearer', token_use: 'access_token', ext: { roles: [] } },
    })
  })

  test('is nobody: no page, no guard and no open introspection takes it', async () => {
    const app = await addApp('nobody')
    const token = await app.token()
    const headers = { authorization: `Bearer ${token}`, 'x-original-uri': '/app/' }
    expect((await edge.ask('/device/edge/auth/verify', { via: 'proxy', headers })).status).toBe(401)
    expect(await edge.introspect(token)).toEqual(inactive)
  })

  test('is the business of the app, of those it is for, and of who is granted all', async () => {
    const [owner, friend, stranger] = [
      await addApp('owner'),
      await addApp('friend'),
      await addApp('stranger'),
    ]
    const own = await owner.token()
    const forFriend = await owner.token({ audience: 'friend' })
    expect(await owner.introspect(own)).toMatchObject({ active: true })
    expect(await friend.introspect(own)).toEqual(inactive)
    expect(await friend.introspect(forFriend)).toMatchObject({ active: true, aud: ['friend'] })
    expect(await stranger.introspect(forFriend)).toEqual(inactive)

    await edge.run('app.setGrants', { name: 'stranger', grants: ['introspect:all'] })
    expect(await stranger.introspect(own)).toMatchObject({ active: true, client_id: 'owner' })
    expect(await stranger.introspect(await stranger.token())).toMatchObject({
      scope: expect.stringMatching(/^introspect:all /),
    })
    await edge.run('app.setGrants', { name: 'stranger', grants: [] })
    expect(await stranger.introspect(own)).toEqual(inactive)
  })

  test('opens the broker as its app, where it is for this box, and no longer than it is good', async () => {
    const [app, other] = [await addApp('mqtt'), await addApp('mqtt-2')]
    const token = await app.token()
    expect(await edge.auth.authenticateApp('mqtt', token)).toBe(true)
    expect(await edge.auth.authenticateApp('mqtt-2', token)).toBe(false)
    expect(await edge.auth.authenticateApp('mqtt', await app.token({ audience: other.id }))).toBe(false)
    expect(await edge.auth.authenticateApp('ann', await edge.signIn('ann'))).toBe(false)

    const told = new Promise((resolve) => edge.auth.onAppChange(resolve))
    await app.ask(revokePath, { token })
    expect(await told).toBe('mqtt')
    expect(await edge.auth.authenticateApp('mqtt', token)).toBe(false)
  })

  test.each<[string, (app: TestApp, token: string) => Promise<unknown>]>([
    ['its revocation', (app, token) => app.ask(revokePath, { token })],
    ['a new secret', (app) => edge.run('app.rotateSecret', { name: app.id })],
    ['the end of the app', (app) => edge.run('app.remove', { name: app.id })],
    ['the end of all sessions', () => edge.run('session.end', { all: true })],
  ])('ends with %s, and stays so', async (what, end) => {
    const app = await addApp(`ending-${what.length}`)
    const watch = await addApp(`watching-${what.length}`)
    await edge.run('app.setGrants', { name: watch.id, grants: ['introspect:all'] })
    const token = await app.token()
    expect(await watch.introspect(token)).toMatchObject({ active: true })
    await end(app, token)
    expect(await watch.introspect(token)).toEqual(inactive)
    await edge.restart()
    expect(await watch.introspect(token)).toEqual(inactive)
  })

  test.each<[string, Record<string, string>, number, string]>([
    ['no grant type', {}, 400, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['a scope it does not have', { grant_type: 'client_credentials', scope: 'openid' }, 400, 'invalid_scope'],
    [
      'an unknown audience',
      { grant_type: 'client_credentials', audience: 'nobody-2' },
      400,
      'invalid_target',
    ],
  ])('is refused: %s', async (name, fields, status, error) => {
    const app = await addApp(`asking-${name.length}`)
    const answer = await app.ask(tokenPath, fields)
    expect([answer.status, answer.json()]).toEqual([status, expect.objectContaining({ error })])
  })
})

test('the life of a technical token is a setting, and a clock that is set changes nothing about it', async () => {
  await using other = await startEdgeAuth({ technicalLifetimeMs: 60_000 })
  const added = await other.run('app.add', { name: 'press', version: '1' })
  const { client_secret } = added as { client_secret: string }
  const fields = { client_id: 'press', client_secret }
  const ask = async (path: string, more: Record<string, string>) =>
    (await other.ask(path, { method: 'POST', body: new URLSearchParams({ ...fields, ...more }) })).json()
  const issued = (await ask(tokenPath, { grant_type: 'client_credentials' })) as Record<string, string>
  expect(issued.expires_in).toBe(60)
  const token = issued.access_token as string
  other.stepClock(86_400_000)
  expect(await ask(introspectPath, { token })).toMatchObject({ active: true })
  other.stepClock(-2 * 86_400_000)
  other.passTime(60_000)
  expect(await ask(introspectPath, { token })).toEqual(inactive)
})

describe('revocation', () => {
  test('of a person’s token ends the session, by any app that was shown it', async () => {
    const app = await addApp('showing')
    const token = await edge.signIn('ann')
    expect(await app.introspect(token)).toMatchObject({ active: true })
    const answer = await app.ask(revokePath, { token, token_type_hint: 'access_token' })
    expect([answer.status, answer.text]).toEqual([200, '{}'])
    expect(await app.introspect(token)).toEqual(inactive)
    const { entries } = (await edge.run('audit.list', { type: 'session_ended' })) as { entries: object[] }
    expect(entries[0]).toMatchObject({ user: 'ann', reason: 'token_revoked', clientId: 'showing' })
  })

  test('of what is no token is a success; of another app’s token it is refused', async () => {
    const [app, other] = [await addApp('revoking'), await addApp('revoked')]
    for (const token of ['garbage', 'a.b.c']) expect((await app.ask(revokePath, { token })).status).toBe(200)
    const token = await other.token()
    const refused = await app.ask(revokePath, { token })
    expect([refused.status, refused.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'unauthorized_client' }),
    ])
    expect(await other.introspect(token)).toMatchObject({ active: true })
  })

  test.each([tokenPath, revokePath])('%s is for apps only', async (path) => {
    const answer = await post(path, { token: 'x', grant_type: 'client_credentials' })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/)
    expect((await edge.ask(path)).status).toBe(405)
  })
})

describe('private_key_jwt:', () => {
  const aType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  let key: CryptoKey
  let publicJwk: JWK
  beforeAll(async () => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    key = pair.privateKey
    publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1' }
    const added = await edge.run('app.add', { name: 'keyed', version: '1', jwks: { keys: [publicJwk] } })
    expect(added).toEqual({ client_id: 'keyed' })
    await laterSecond()
  })

  /** In the second of a start no assertion is taken. */
  const laterSecond = async () => {
    const from = now()
    await vi.waitUntil(() => now() > from, { timeout: 5_000 })
  }

  const now = () => Math.floor(Date.now() / 1000)
  let count = 0
  const assertion = (claims: object = {}, header: object = {}, by: CryptoKey = key) => {
    const usual = {
      iss: 'keyed',
      sub: 'keyed',
      aud: issuer,
      iat: now(),
      exp: now() + 60,
      jti: `jti-${count++}`,
    }
    const protectedHeader = { alg: 'ES256', kid: 'k1', ...header }
    return new SignJWT({ ...usual, ...claims }).setProtectedHeader(protectedHeader).sign(by)
  }
  const present = async (client_assertion: string, more: Record<string, string> = {}, ask: Ask = {}) =>
    post(
      tokenPath,
      { grant_type: 'client_credentials', client_assertion_type: aType, client_assertion, ...more },
      ask,
    )

  test('for every endpoint, meant for us by our name or by where we are asked', async () => {
    const outside = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'box.example' }
    const audiences: [string, Ask][] = [
      [issuer, {}],
      [edge.url + tokenPath, {}],
      [edge.url + introspectPath, {}],
      [`https://box.example${tokenPath}`, { via: 'proxy', headers: outside }],
    ]
    for (const [aud, ask] of audiences)
      expect(
        (await present(await assertion({ aud: ['other', aud] }), { client_id: 'keyed' }, ask)).status,
      ).toBe(200)
    const introspected = await post(introspectPath, {
      token: await edge.signIn('ann'),
      ...{ client_assertion_type: aType, client_assertion: await assertion() },
    })
    expect(introspected.json()).toMatchObject({ active: true })
  })

  test('one is good once', async () => {
    const once = await assertion()
    const answers = await Promise.all([present(once), present(once), present(once)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
  })

  test('one that was used is not good after a restart either, whenever it says it was made', async () => {
    const usedOnes = [await assertion(), await assertion({ iat: now() + 25 })]
    for (const used of usedOnes) expect((await present(used)).status).toBe(200)
    const unused = await assertion()
    await edge.restart()
    for (const one of [...usedOnes, unused]) expect((await present(one)).status).toBe(401)
    const { entries } = (await edge.run('audit.list', { type: 'client_refused' })) as { entries: object[] }
    expect(entries[0]).toMatchObject({ clientId: 'keyed', reason: 'assertion_not_after_start' })
    await laterSecond()
    for (const one of [...usedOnes, unused]) expect((await present(one)).status).toBe(401)
    expect((await present(await assertion())).status).toBe(200)
  })

  test.each<[string, () => Promise<string>]>([
    ['another audience', () => assertion({ aud: 'https://other.example/token' })],
    ['the address of another host', () => assertion({ aud: `https://box.example${tokenPath}` })],
    ['another issuer', () => assertion({ iss: 'press' })],
    ['for another app', () => assertion({ sub: 'press' })],
    ['expired', () => assertion({ iat: now() - 700, exp: now() - 40 })],
    ['good for too long', () => assertion({ exp: now() + 3600 })],
    ['from the future', () => assertion({ nbf: now() + 120 })],
    ['made in the future', () => assertion({ iat: now() + 120, nbf: now() })],
    ['made before we started', () => assertion({ iat: now() - 500 })],
    ['without an id', () => assertion({ jti: undefined })],
    ['a stranger’s key', async () => assertion({}, {}, (await generateKeyPair('ES256')).privateKey)],
    ['another key id', () => assertion({}, { kid: 'k2' })],
    ['a text of its own', async () => `${await assertion()}=`],
    ['garbage', async () => 'x.y.z'],
  ])('refused: %s', async (_name, make) => {
    const answer = await present(await make())
    expect([answer.status, answer.json()]).toEqual([
      401,
      expect.objectContaining({ error: 'invalid_client' }),
    ])
  })

  test('refused: an HMAC keyed by what is public', async () => {
    const hmac = await crypto.subtle.importKey(
      'raw',
      Buffer.from(JSON.stringify(publicJwk)),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    expect((await present(await assertion({}, { alg: 'HS256' }, hmac))).status).toBe(401)
  })

  test('such an app has no secret, and new keys end the old ones', async () => {
    expect((await post(tokenPath, { client_id: 'keyed', client_secret: 'x' })).status).toBe(401)
    const other = await generateKeyPair('PS256', { extractable: true })
    const jwks = { ...(await exportJWK(other.publicKey)), alg: 'PS256' }
    const before = (await (await present(await assertion())).json()) as { access_token: string }
    expect(await edge.run('app.rotateSecret', { name: 'keyed', jwks })).toEqual({
      client_id: 'keyed',
      version: '1',
    })
    expect((await present(await assertion())).status).toBe(401)
    expect(await edge.auth.authenticateApp('keyed', before.access_token)).toBe(false)
    const rsa = await assertion({}, { alg: 'PS256', kid: undefined }, other.privateKey)
    expect((await present(rsa)).status).toBe(200)
    // The algorithm is the key's own, whatever the header says.
    const weaker = await assertion({}, { alg: 'ES256', kid: undefined })
    expect((await present(weaker)).status).toBe(401)
  })
})

test('the metadata says where everything is, as the asker has come', async () => {
  const direct = await edge.ask('/.well-known/oauth-authorization-server')
  expect(direct.json()).toMatchObject({
    issuer,
    token_endpoint: edge.url + tokenPath,
    introspection_endpoint: edge.url + introspectPath,
    revocation_endpoint: edge.url + revokePath,
    jwks_uri: `${edge.url}/device/edge/auth/oauth2/jwks`,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    grant_types_supported: ['client_credentials'],
  })
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'box.example:8443' }
  const path = '/.well-known/oauth-authorization-server'
  const proxied = (await edge.ask(path, { via: 'proxy', headers })).json()
  expect(proxied).toMatchObject({ token_endpoint: `https://box.example:8443${tokenPath}` })
  expect((await edge.ask(path, { headers })).json()).toMatchObject({ token_endpoint: edge.url + tokenPath })
  expect((await edge.ask(path, { headers: { host: 'a/b' } })).status).toBe(400)
})

test('a question gets the same answer whether it takes the short way or the long one', async () => {
  const app = await addApp('both-ways')
  const { client_secret } = (await edge.run('app.rotateSecret', { name: app.id })) as {
    client_secret: string
  }
  const authorization = `Basic ${Buffer.from(`${app.id}:${client_secret}`).toString('base64')}`
  const good = await edge.signIn('ann')
  const bodies = [
    ...[
      `token=${good}`,
      `token=${good}&token_type_hint=access_token`,
      `token=${good.replaceAll('.', '%2E')}`,
    ],
    ...['token=garbage', 'token=', '', 'token=a&token=b', `token=${good}&client_id=press`, 'x'.repeat(1000)],
    `token=${good}&client_secret=x`,
  ]
  const same = ({ status, headers, text }: Answer) => {
    const { date: _, connection: __, 'keep-alive': ___, 'x-request-id': id, ...rest } = headers
    return { status, headers: { ...rest, id: typeof id }, text }
  }
  for (const credentials of [{ authorization }, { authorization: 'Basic eDp5' }, {}] as Record<
    string,
    string
  >[])
    for (const body of bodies) {
      const headers = { ...credentials, 'content-type': 'application/x-www-form-urlencoded' }
      const short = await edge.ask(introspectPath, { method: 'POST', headers, body })
      const long = await edge.ask(introspectPath, {
        method: 'POST',
        headers: { ...headers, 'x-any': '1' },
        body,
      })
      expect(same(short)).toEqual(same(long))
    }
})
