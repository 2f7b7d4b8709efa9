import { brotliCompressSync } from 'node:zlib'
import { exportPKCS8, exportSPKI, generateKeyPair, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { run } from '../core/control.ts'
import { type Answer, introspectPath, startEdgeAuth } from './edge-auth.ts'
import { codeAt, createVisitor, scan } from './second-factor.ts'
import { startSigningProvider } from './signing-provider.ts'

const sso = '/device/edge/auth/sso'
const held = new AsyncDisposableStack()
let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let provider: Awaited<ReturnType<typeof startSigningProvider>>

const rules = [{ when: [], roles: ['Operator'] }]
const put = (settings: object = {}) =>
  edge.run('sso.put', {
    ...{ name: 'plant', issuer: provider.issuer, clientId: 'box', secret: 'a secret of the box' },
    ...{ providerName: 'the plant', onThisMachine: true, mapping: { mode: 'replace', rules } },
    ...settings,
  })
const html = { accept: 'text/html' }
const sessions = async () => (await edge.run('session.list')) as { id: string; user: string }[]
const audit = async (type: string) =>
  ((await edge.run('audit.list', { type })) as { entries: { reason?: string; detail?: object }[] }).entries

beforeAll(async () => {
  edge = held.use(await startEdgeAuth())
  provider = await startSigningProvider(held)
  await edge.addUser('root', 'Admin')
})
afterAll(() => held.disposeAsync())
beforeEach(async () => {
  Object.assign(provider.state, { claims: {}, active: true, instead: undefined, asked: [], bodies: [] })
  await put()
  await edge.run('session.end', { all: true })
})

function passTime(ms: number): void {
  edge.passTime(ms)
  provider.state.aheadMs += ms
}

interface Begun {
  cookie: string
  location: URL
}
async function begin(): Promise<Begun> {
  const answer = await edge.ask(`${sso}/start?provider=plant&rd=/press/`, { headers: html })
  expect(answer.status).toBe(302)
  const location = new URL(answer.headers.location as string)
  provider.state.nonce = location.searchParams.get('nonce') as string
  const [cookie = ''] = answer.headers['set-cookie'] as string[]
  expect(cookie).toMatch(
    /^__Secure-.*; Max-Age=600; Path=\/device\/edge\/auth\/sso; HttpOnly; Secure; SameSite=Lax$/,
  )
  return { cookie: cookie.split(';')[0] as string, location }
}
const comeBack = ({ cookie, location }: Begun, query: object = {}): Promise<Answer> => {
  const state = location.searchParams.get('state') as string
  const all = new URLSearchParams({ code: 'x', state, ...query })
  return edge.ask(`${sso}/callback/plant?${all}`, { headers: { ...html, cookie } })
}
async function signIn(claims: object = {}): Promise<string> {
  provider.state.claims = claims as JWTPayload
  const answer = await comeBack(await begin())
  expect([answer.status, answer.headers.location]).toEqual([303, '/press/'])
  return answer.cookie('access_token')?.split('=')[1] as string
}

test('what is asked for has PKCE, state and nonce, and the code goes with its verifier', async () => {
  const { location } = await begin()
  expect(Object.fromEntries(location.searchParams)).toMatchObject({
    ...{ response_type: 'code', client_id: 'box', code_challenge_method: 'S256' },
    ...{ code_challenge: expect.stringMatching(/^[\w-]{43}$/), scope: 'openid profile email' },
    redirect_uri: `${edge.url}${sso}/callback/plant`,
  })
  await signIn()
  expect(provider.state.bodies.at(-1)?.get('code_verifier')).toMatch(/^[\w-]{43}$/)
  expect((await sessions()).map(({ user }) => user)).toEqual(['somebody'])
})

test('whoever was not sent away by this browser is not signed in', async () => {
  const begun = await begin()
  const other = await begin()
  const tries: [Begun, object][] = [
    [{ ...begun, cookie: '' }, {}],
    [{ ...begun, cookie: other.cookie }, {}],
    [{ ...begun, cookie: `${begun.cookie}x` }, {}],
    [{ ...begun, cookie: `${begun.cookie.split('=')[0]}=eyJhIjoxfQ` }, {}],
    [begun, { state: 'x' }],
    [begun, { state: other.location.searchParams.get('state') }],
  ]
  for (const [one, query] of tries) expect((await comeBack(one, query)).status).toBe(400)
  passTime(600_001)
  expect((await comeBack(begun)).status).toBe(400)
  expect(await sessions()).toEqual([])
  expect(provider.state.asked).not.toContain('/token')
})

test.each([
  ['another nonce', { nonce: 'x' }],
  ['another audience', { aud: 'other' }],
  ['another issuer', { iss: 'https://other.example' }],
  ['the issuer with a slash', () => ({ iss: `${provider.issuer}/` })],
  ['an end that is over', () => ({ exp: provider.now() - 60 })],
  ['nobody', { sub: '' }],
])('an ID token with %s signs nobody in', async (_, claims) => {
  provider.state.claims = typeof claims === 'function' ? claims() : claims
  expect((await comeBack(await begin())).status).toBe(400)
  expect(await sessions()).toEqual([])
})

test('a refusal of the provider and what it answers wrongly are told apart from an absence', async () => {
  expect((await comeBack(await begin(), { error: 'access_denied' })).status).toBe(403)
  expect((await comeBack(await begin(), { error: 'server_error' })).status).toBe(400)
  const begun = await begin()
  provider.state.instead = { status: 500, headers: {}, body: Buffer.from('') }
  expect((await comeBack(begun)).status).toBe(400)
})

const event = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const logoutToken = (claims: object = {}, header: object = {}, key?: Parameters<typeof provider.sign>[2]) =>
  provider.sign(
    {
      ...{ iss: provider.issuer, aud: 'box', iat: provider.now(), exp: provider.now() + 120 },
      ...{ jti: crypto.randomUUID(), events: event, sub: 'somebody', ...claims },
    },
    { typ: 'logout+jwt', ...header },
    key,
  )
const send = (token: string) =>
  edge.ask(`${sso}/backchannel-logout`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  })

test('a logout token ends the sessions that it means, and a second time nothing', async () => {
  await signIn({ sid: 's-1' })
  await signIn({ sid: 's-2' })
  await edge.signIn('root')
  expect((await send(await logoutToken({ sub: 'somebody', sid: 's-1' }))).status).toBe(200)
  expect(await sessions()).toHaveLength(2)
  expect((await send(await logoutToken({ sub: undefined, sid: 's-3' }))).status).toBe(200)
  expect((await send(await logoutToken({ sub: 'another', sid: 's-2' }))).status).toBe(200)
  expect(await sessions()).toHaveLength(2)
  const token = await logoutToken()
  expect((await send(token)).status).toBe(200)
  expect((await sessions()).map(({ user }) => user)).toEqual(['root'])
  await signIn()
  expect((await send(token)).status).toBe(400)
  await edge.restart()
  expect((await send(token)).status).toBe(400)
  expect((await sessions()).map(({ user }) => user).sort()).toEqual(['root', 'somebody'])
})

test('X19: a forged logout token ends nothing', async () => {
  await signIn({ sid: 's-1' })
  const stranger = (await generateKeyPair('ES256')).privateKey
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const usual = {
    iss: provider.issuer,
    aud: 'box',
    iat: provider.now(),
    jti: 'n',
    events: event,
    sub: 'somebody',
  }
  const forged = [
    `${encode({ alg: 'none', typ: 'logout+jwt' })}.${encode(usual)}.`,
    await logoutToken({}, {}, stranger),
    await logoutToken({ aud: 'other' }),
    await logoutToken({ iss: 'https://other.example' }),
    await logoutToken({ events: undefined }),
    await logoutToken({ events: {} }),
    await logoutToken({ events: { 'http://schemas.openid.net/event/backchannel-logout': true } }),
    await logoutToken({ nonce: 'x' }),
    await logoutToken({ iat: provider.now() - 130 }),
    await logoutToken({ iat: provider.now() + 60 }),
    await logoutToken({ iat: undefined }),
    await logoutToken({ jti: undefined }),
    await logoutToken({ sub: undefined }),
    await logoutToken({ exp: provider.now() - 30 }),
    await logoutToken({}, { typ: 'JWT' }),
    await logoutToken({}, { typ: undefined }),
    ...['', 'x', 'a.b.c'],
  ]
  for (const [index, token] of forged.entries())
    expect([index, (await send(token)).status]).toEqual([index, 400])
  expect(await sessions()).toHaveLength(1)
  expect((await audit('sso_logout_failed')).length).toBeGreaterThanOrEqual(forged.length - 2)
  expect((await edge.ask(`${sso}/backchannel-logout`)).status).toBe(405)
})

test('"log out all" of Keycloak ends the sessions of its client', async () => {
  await put({ template: { kind: 'keycloak', url: provider.issuer, realm: 'x' }, issuer: provider.issuer })
  await signIn({ sid: 's-1' })
  await signIn({ sid: 's-2' })
  const message = (claims: object) =>
    provider.sign({ id: crypto.randomUUID(), expiration: provider.now() + 60, action: 'LOGOUT', ...claims })
  const tell = async (claims: object) => {
    const headers = { 'content-type': 'text/plain' }
    const body = await message(claims)
    return (await edge.ask(`${sso}/keycloak/plant/k_logout`, { method: 'POST', headers, body })).status
  }
  expect(await tell({ resource: 'other' })).toBe(400)
  expect(await tell({ resource: 'box', expiration: provider.now() - 60 })).toBe(400)
  expect(await sessions()).toHaveLength(2)
  expect(await tell({ resource: 'box', keycloakSessionIds: ['s-1'] })).toBe(200)
  expect(await sessions()).toHaveLength(1)
  expect(await tell({ resource: 'box' })).toBe(200)
  expect(await sessions()).toEqual([])
})

test('access tokens of the provider open nothing unless they are to, and then for who is linked', async () => {
  await signIn()
  const token = await provider.sign({
    ...{ iss: provider.issuer, aud: 'apps', sub: 'somebody', exp: provider.now() + 600 },
  })
  const verify = async () => {
    const headers = { authorization: `Bearer ${token}`, 'x-original-uri': '/', 'x-original-method': 'GET' }
    const { status, headers: said } = await edge.ask('/device/edge/auth/verify', { via: 'proxy', headers })
    return [status, said['x-auth-user'], said['x-auth-roles']]
  }
  const introspect = async () =>
    (
      await edge.ask(introspectPath, {
        via: 'internal',
        method: 'POST',
        body: new URLSearchParams({ token }),
      })
    ).json()
  expect(await verify()).toEqual([401, undefined, undefined])
  await put({ audience: 'apps', externalTokens: { check: 'introspection', everySeconds: 60 } })
  expect(await verify()).toEqual([200, 'somebody', 'Operator'])
  expect(await introspect()).toMatchObject({ active: true, sub: 'somebody', ext: { roles: ['Operator'] } })
  provider.state.active = false
  expect(await verify()).toEqual([200, 'somebody', 'Operator']) // confirmed less than a minute ago
  passTime(60_000)
  expect(await verify()).toEqual([401, undefined, undefined])
  expect(await introspect()).toEqual({ active: false })
  provider.state.active = true
  expect(await verify()).toEqual([200, 'somebody', 'Operator'])
  await edge.run('user.disable', { name: 'somebody' })
  expect(await verify()).toEqual([401, undefined, undefined])
  await edge.run('user.enable', { name: 'somebody' })
  const secondFactor = Object.entries({ strategy: 'totp', enforced: 'true', sso: 'required' })
  for (const [key, value] of secondFactor) {
    expect(await verify()).toEqual([200, 'somebody', 'Operator'])
    await edge.run('option.set', { category: 'two-factor', key, value })
  }
  expect(await verify()).toEqual([401, undefined, undefined])
  for (const [key] of secondFactor) await edge.run('option.remove', { category: 'two-factor', key })
  await expect(put({ externalTokens: { check: 'introspection', everySeconds: 60 } })).rejects.toMatchObject({
    code: 'invalid',
  })
})

test('the box proves itself by a key, where it has one', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  await put({ clientAuth: 'private_key_jwt', keyId: 'k', secret: await exportPKCS8(privateKey) })
  await signIn()
  const assertion = provider.state.bodies.at(-1)?.get('client_assertion') as string
  const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
    currentDate: new Date(provider.now() * 1000),
  })
  expect([payload.iss, payload.sub, protectedHeader.kid]).toEqual(['box', 'box', 'k'])
  await expect(put({ clientAuth: 'private_key_jwt', secret: 'no key' })).rejects.toMatchObject({
    code: 'invalid',
  })
})

test('a key that was given is believed, as long as it is valid, and no other', async () => {
  const asked = () => provider.state.asked.filter((path) => path === '/jwks').length
  const publicKey = await exportSPKI(provider.publicKey)
  const key = { by: 'key', algorithm: 'ES256', publicKey }
  await put({ signature: key })
  await signIn()
  expect(asked()).toBe(0)
  for (const signature of [
    { ...key, notAfter: 1 },
    { ...key, notBefore: Number.MAX_SAFE_INTEGER },
    {
      ...key,
      publicKey: await exportSPKI((await generateKeyPair('ES256', { extractable: true })).publicKey),
    },
  ]) {
    await put({ signature })
    expect((await comeBack(await begin())).status).toBe(400)
  }
  await expect(put({ signature: { ...key, algorithm: 'HS256' } })).rejects.toMatchObject({ code: 'invalid' })
})

test('who may configure it can let nobody have more than he has himself', async () => {
  await edge.addUser('conny', 'ConfigManager')
  const as = (user: string, operation: string, params: object) =>
    run(edge.auth.operations, operation, params, { user })
  const own = { name: 'own', issuer: 'https://own.example', clientId: 'box', secret: 'x' }
  const giving = (role: string) => ({ mode: 'replace', rules: [{ when: [], roles: [role] }] })
  await expect(as('conny', 'sso.put', { ...own, mapping: giving('Admin') })).rejects.toMatchObject({
    code: 'above_own',
  })
  await as('conny', 'sso.put', { ...own, mapping: giving('ConfigManager') })
  // Whoever answers for the issuer of an Admin is that Admin.
  await edge.run('sso.link', { provider: 'own', subject: '1', user: 'root' })
  await expect(as('conny', 'sso.put', { ...own, mapping: giving('ConfigManager') })).rejects.toMatchObject({
    code: 'above_own',
  })
  await edge.addUser('vera', 'Viewer')
  for (const [operation, params] of [
    ['sso.list', {}],
    ['sso.get', { name: 'own' }],
    ['sso.remove', { name: 'own' }],
    ['sso.test', { name: 'own' }],
    ['sso.links', {}],
    ['sso.link', { provider: 'own', subject: '2', user: 'vera' }],
    ['sso.unlink', { issuer: own.issuer, subject: '1' }],
  ] as const)
    await expect(as('vera', operation, params), operation).rejects.toMatchObject({ statusCode: 403 })
  await edge.run('sso.unlink', { issuer: own.issuer, subject: '1' })
  await edge.run('sso.remove', { name: 'own' })
})

test('what leads into this machine is said by who holds it', async () => {
  await edge.run('user.add', { name: 'connor', roles: ['ConfigManager'], password: 'a long password' })
  const as = (params: object) => edge.run('sso.put', params, { user: 'connor' })
  const own = { name: 'inside', clientId: 'box', secret: 'x', mapping: { mode: 'replace', rules: [] } }
  const inside = { ...own, issuer: 'http://127.0.0.1:9', onThisMachine: true }
  await expect(as(inside)).rejects.toMatchObject({ code: 'machine_only' })
  await edge.run('sso.put', inside)
  await as({ ...inside, buttonText: 'Inside' })
  await expect(as({ ...inside, issuer: 'http://127.0.0.1:10' })).rejects.toMatchObject({
    code: 'machine_only',
  })
  await edge.run('sso.remove', { name: 'inside' })
})

test('who is let through to some apps only lets nobody in who comes to all', async () => {
  await edge.run('role.add', {
    name: 'Linker',
    permissions: { SingleSignOn: ['CREATE', 'ADMIN'], Users: ['UPDATE'] },
  })
  const limited = { name: 'liz', roles: ['Linker'], apps: ['press'], password: 'a long password' }
  await edge.run('user.add', limited)
  await edge.run('role.add', { name: 'Plain', permissions: {} })
  await edge.run('user.add', { name: 'pam', roles: ['Plain'], password: 'a long password' })
  const as = (operation: string, params: object) => edge.run(operation, params, { user: 'liz' })
  const own = { name: 'lizs', issuer: 'https://own.example', clientId: 'box', secret: 'x' }
  const above = { code: 'above_own' }
  await expect(as('sso.put', own)).rejects.toMatchObject(above)
  const link = { provider: 'plant', subject: 'p', user: 'pam' }
  await expect(as('sso.link', link)).rejects.toMatchObject(above)
  await edge.run('user.set', { name: 'liz', apps: null })
  const promoted = edge.run('user.set', { name: 'pam', roles: ['Admin'] })
  await expect(as('sso.link', link)).rejects.toMatchObject(above) // an Admin by the time it would be done
  await promoted
  for (const name of ['liz', 'pam']) await edge.run('user.remove', { name })
})

test('who may change and not see is told no settings; a group that is not there is refused', async () => {
  await edge.run('role.add', { name: 'Blind', permissions: { SingleSignOn: ['CREATE', 'UPDATE'] } })
  await edge.run('user.add', { name: 'ben', roles: ['Blind'], password: 'a long password' })
  const own = { name: 'other', issuer: 'https://own.example', clientId: 'box', secret: 'x' }
  await edge.run('sso.put', own)
  const changed = await edge.run('sso.put', { ...own, buttonText: 'x' }, { user: 'ben' })
  expect(changed).toEqual({ revision: 2 })
  const rules = [{ when: [], roles: [], scopedRoles: { nowhere: ['Viewer'] } }]
  await expect(edge.run('sso.put', { ...own, mapping: { mode: 'replace', rules } })).rejects.toMatchObject({
    code: 'not_found',
  })
  await edge.run('sso.remove', { name: 'other' })
})

test('the default app of a rule leads nowhere else', async () => {
  const leading = (defaultApp: string) => ({
    mode: 'replace',
    rules: [{ when: [], roles: ['Operator'], defaultApp }],
  })
  const arrive = async () => {
    const answer = await edge.ask(`${sso}/start?provider=plant`, { headers: html })
    const location = new URL(answer.headers.location as string)
    provider.state.nonce = location.searchParams.get('nonce') as string
    const [cookie = ''] = answer.headers['set-cookie'] as string[]
    return (await comeBack({ cookie: cookie.split(';')[0] as string, location })).headers.location
  }
  await put({ mapping: leading('/press/') })
  expect(await arrive()).toBe('/press/')
  await put({ mapping: leading('//evil.example/') })
  expect(await arrive()).toBe('/device/edge/auth/login')
})

test('who signs in elsewhere gets his profile from there, and no password here', async () => {
  await signIn({ sub: 'pat', given_name: 'Pat', email: 'pat@plant.example', phone_number: '1' })
  await signIn({ sub: 'pat', given_name: 'Patricia' })
  const users = (await edge.run('user.list')) as { name: string; profile: object }[]
  expect(users.find(({ name }) => name === 'pat')?.profile).toEqual({ firstName: 'Patricia' })
  await expect(edge.run('user.passwd', { name: 'pat' })).rejects.toMatchObject({ code: 'signs_in_elsewhere' })
  await edge.run('user.disable', { name: 'pat' })
  expect((await comeBack(await begin())).status).toBe(403)
})

test('whom the rules no longer let in has lost his roles and sessions, too', async () => {
  const when = [{ claim: 'groups', operator: 'in', value: 'ops' }]
  await expect(
    put({ mapping: { mode: 'replace', rules: [{ when, roles: ['gone'] }] } }),
  ).rejects.toMatchObject({ code: 'invalid' })
  await put({ mapping: { mode: 'replace', rules: [{ when, roles: ['Operator'] }] } })
  await signIn({ sub: 'lou', groups: ['ops'] })
  provider.state.claims = { sub: 'lou', groups: [] }
  expect((await comeBack(await begin())).status).toBe(403)
  const users = (await edge.run('user.list')) as { name: string; roles: string[] }[]
  expect(users.find(({ name }) => name === 'lou')?.roles).toEqual([])
  expect(await sessions()).toEqual([])
})

test('X17, X18: a provider that compresses or sends elsewhere is not followed', async () => {
  const compressed = brotliCompressSync(Buffer.from('{}'))
  for (const instead of [
    { status: 200, headers: { 'content-encoding': 'br' }, body: compressed },
    { status: 302, headers: { location: 'http://169.254.169.254/latest' }, body: Buffer.from('') },
    { status: 200, headers: {}, body: Buffer.alloc(2 * 1024 * 1024, 32) },
  ]) {
    provider.state.instead = instead
    await put() // what is kept goes with the settings
    expect((await edge.ask(`${sso}/start?provider=plant`, { headers: html })).status).toBe(503)
  }
  expect(provider.state.asked).toHaveLength(3)
})

test('X18: this machine and the network around it are asked only where that was said', async () => {
  const https = provider.issuer.replace('http:', 'https:')
  for (const issuer of [
    https,
    https.replace('127.0.0.1', 'localhost'),
    'https://169.254.169.254',
    'https://10.0.0.1',
  ])
    await expect(
      put({ issuer, onThisMachine: false }).then(() => edge.run('sso.test', { name: 'plant' })),
    ).rejects.toMatchObject({ code: 'address_refused' })
  await expect(put({ onThisMachine: false })).rejects.toMatchObject({ code: 'invalid' })
  expect(provider.state.asked).toEqual([])
})

test('X20: a user of the same name or e-mail is not taken over', async () => {
  await edge.addUser('ann', 'Admin')
  for (const [index, claims] of [
    { sub: 'ann' },
    { sub: 'eve', email: 'ann', preferred_username: 'ann', email_verified: true },
  ].entries()) {
    await put({ userIdClaim: index === 0 ? 'sub' : 'preferred_username' })
    provider.state.claims = claims
    expect((await comeBack(await begin())).status).toBe(409)
  }
  expect(await sessions()).toEqual([])
  expect(await edge.run('sso.links')).not.toContainEqual(expect.objectContaining({ user: 'ann' }))

  await edge.run('sso.link', { provider: 'plant', subject: 'eve', user: 'ann' })
  await signIn({ sub: 'eve' })
  expect((await sessions()).map(({ user }) => user)).toEqual(['ann'])
  await edge.run('user.remove', { name: 'ann' })
  await edge.addUser('ann', 'Admin')
  provider.state.claims = { sub: 'eve', preferred_username: 'ann' }
  expect((await comeBack(await begin())).status).toBe(409) // another ann
})

test('X21: a secret is never shown, and goes nowhere else without being given again', async () => {
  for (const shown of [await edge.run('sso.get', { name: 'plant' }), await edge.run('sso.list'), await put()])
    expect(JSON.stringify(shown)).not.toContain('a secret of the box')
  const same = { secret: undefined }
  await put({ ...same, buttonText: 'Plant' })
  for (const moved of [
    { issuer: 'https://other.example' },
    { metadataUrl: `${provider.issuer}/x` },
    { endpoints: { authorization: provider.issuer, token: provider.issuer, jwks: provider.issuer } },
    { redirectUri: 'http://127.0.0.1/x' },
    { clientId: 'other' },
    { ca: '-----BEGIN CERTIFICATE-----' },
  ])
    await expect(put({ ...same, ...moved }), JSON.stringify(moved)).rejects.toMatchObject({
      code: 'secret_required',
    })
  await expect(put({ ifRevision: 1 })).rejects.toMatchObject({ code: 'precondition_failed' })
  await expect(put({ userId: { constant: 'root' } })).rejects.toMatchObject({ code: 'invalid' })
})

test('who has signed in elsewhere needs a second factor of this box only where an option says so', async () => {
  const option = (key: string, value: string) =>
    edge.run('option.set', { category: 'two-factor', key, value })
  await option('strategy', 'totp')
  await option('enforced', 'true')
  await signIn()
  await option('sso', 'required')
  await edge.run('session.end', { all: true })

  const person = createVisitor(async (path, question) => {
    const answer = await edge.ask(path, question)
    return { ...answer, setCookies: answer.headers['set-cookie'] ?? [] }
  })
  /** The page that the provider's answer leads to, as if the visitor had come by it. */
  const land = async () => {
    const page = await comeBack(await begin())
    expect([page.status, page.cookie('access_token')]).toEqual([200, undefined])
    const [, ticket] = /name="ticket" value="([^"]*)"/.exec(page.text) as RegExpExecArray
    await person.open('?local=1')
    return { text: page.text, ticket: ticket as string }
  }
  const { text, ticket } = await land()
  expect(await sessions()).toEqual([])
  const secret = scan(text)
  const now = () => edge.now()
  const set = await person.submit({ ticket, code: codeAt(secret, now()) }, '/second-factor')
  expect(set.session).toBeDefined()
  await edge.run('session.end', { all: true })
  const again = await land()
  edge.stepClock(30_000)
  const done = await person.submit({ ticket: again.ticket, code: codeAt(secret, now()) }, '/code')
  expect(done.session).toBeDefined()
  expect((await sessions()).map(({ user }) => user)).toEqual(['somebody'])
  expect((await audit('sso_login')).length).toBeGreaterThan(2)
  edge.stepClock(-30_000)
  for (const key of ['strategy', 'enforced', 'sso'])
    await edge.run('option.remove', { category: 'two-factor', key })
})
