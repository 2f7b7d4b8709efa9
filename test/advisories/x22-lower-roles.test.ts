import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Box, directLogin, openBox, password, verifyPath } from './boxed.ts'
import { formHeader, inParallel } from './oauth-app.ts'

/*
 * X22: who administers less than all cannot give himself or others more, and touches nobody who has more.
 * What a person's roles are is said by the store of users, never by a request.
 */

interface Route {
  method: string
  url: string
  access: string
}
interface Listed {
  id: string
  user: string
}

let box: Box
let routes: Route[]
beforeAll(async () => {
  box = await openBox({ proxied: false })
  await box.gateway.operate('user.add', { name: 'amy', roles: ['AppAdmin'], password })
  await box.gateway.operate('user.add', { name: 'uma', roles: ['UserManager'], password })
  const lines = box.gateway.log().split('\n')
  const said = lines.filter((line) => line.includes('who may call what'))
  routes = (JSON.parse(said[1] as string) as { routes: Route[] }).routes
})
afterAll(() => box[Symbol.asyncDispose]())

const json = { 'content-type': 'application/json' }
const post = (body: object, headers = {}) => ({
  method: 'POST',
  headers: { ...json, ...headers },
  body: JSON.stringify(body),
})
const usersAndApps = async () => ({
  users: await box.gateway.operate<object[]>('user.list'),
  apps: await box.gateway.operate('app.list'),
  gates: await box.gateway.operate('guard.list'),
})
const sessionOf = async (user: string) =>
  (await box.gateway.operate<Listed[]>('session.list', { user })).map(({ id }) => id)

async function administrationOf(username: string) {
  const answer = await box.askAdmin('/api/v1/session', post({ username, password }))
  const { secret, roles } = JSON.parse(answer.text) as { secret: string; roles: string[] }
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] as string
  return { keys: { cookie, 'x-edgeward-admin': secret }, roles, status: answer.status }
}

const lies = {
  ...{ 'x-auth-user': 'ada', 'x-auth-roles': 'Admin', 'x-roles': 'Admin', 'x-forwarded-user': 'ada' },
  ...{ 'x-forwarded-for': '127.0.0.1', 'x-http-method-override': 'GET', 'x-remote-user': 'ada' },
}
const claimed = {
  roles: ['Admin'],
  role: 'Admin',
  admin: true,
  isAdmin: true,
  user: 'ada',
  sub: 'ada',
  name: 'vic',
}

describe.each([
  ['amy', 'AppAdmin'],
  ['ann', 'Operator'],
  ['vic', 'Viewer'],
])('X22: %s, who is %s,', (name, role) => {
  test('is refused on every route that is about people and the box, and it does nothing', async () => {
    await box.token('ada')
    const before = await usersAndApps()
    const [victim] = await sessionOf('ada')
    const { keys, roles, status } = await administrationOf(name)
    expect([status, roles]).toEqual([201, [role]])
    const guarded = routes.filter(({ access }) => /^(?:Users|Sessions|Audits|Options)_/.test(access))
    expect(guarded.length).toBeGreaterThanOrEqual(20)
    for (const { method, url } of guarded)
      for (const headers of [keys, { ...keys, ...lies }]) {
        const path = `${url.replace(/:\w+/g, victim as string)}?user=${name}&roles=Admin`
        const sent = ['GET', 'HEAD', 'DELETE'].includes(method) ? { method, headers } : post(claimed, headers)
        const answer = await box.askAdmin(path, { ...sent, method })
        expect([method, url, answer.status]).toEqual([method, url, 403])
        expect(answer.text).not.toContain(victim)
      }
    expect(await sessionOf('ada')).toContain(victim)
    expect(await usersAndApps()).toEqual(before)
  })

  test('finds no other method or route that changes users, roles or apps', async () => {
    const before = await usersAndApps()
    const { keys } = await administrationOf(name)
    const targets = [
      ...['/api/v1/session', '/api/v1/users', `/api/v1/users/${name}`, '/api/v1/users/ada', '/api/v1/roles'],
      ...[
        '/api/v1/apps',
        '/api/v1/apps/press',
        '/api/v1/user.set',
        '/user.set',
        '/api/v1/operations/user.set',
      ],
    ]
    const asked = targets.flatMap((path) => ['PUT', 'PATCH', 'POST'].map((method) => ({ path, method })))
    await inParallel(asked, 4, async ({ path, method }) => {
      const sent = { ...post(claimed, { ...keys, ...lies }), method }
      for (const ask of [box.ask, box.askAsProxy, box.askAdmin]) {
        const { status } = await ask(path, sent)
        expect([path, method, status >= 400 && status < 500]).toEqual([path, method, true])
      }
    })
    expect((await box.askAdmin('/api/v1/audit', { headers: keys })).status).toBe(403)
    expect(await usersAndApps()).toEqual(before)
  })

  test('gets no role by a field of a login, a header, or a token that was altered', async () => {
    const rolesAt = async (token: string, headers = {}) => {
      const asked = { 'x-original-uri': '/', 'x-original-method': 'GET', cookie: `access_token=${token}` }
      const answer = await box.askAsProxy(verifyPath, { headers: { ...asked, ...headers } })
      return [answer.status, answer.headers['x-auth-user'], answer.headers['x-auth-roles']]
    }
    const { text } = await box.ask(directLogin, post({ ...claimed, username: name, password }, lies))
    const token = JSON.parse(text).access_token as string
    expect(await rolesAt(token)).toEqual([200, name, role])
    expect(await rolesAt(token, lies)).toEqual([200, name, role])
    const strict = await box.askAdmin('/api/v1/session', post({ ...claimed, username: name, password }))
    if (strict.status === 201) expect(JSON.parse(strict.text).roles).toEqual([role])
    else expect(strict.status).toBe(400)

    const [header, payload, signature] = token.split('.') as [string, string, string]
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    for (const change of [claimed, { sub: 'ada' }, { ext: { roles: ['Admin'] } }, { roles: ['Admin'] }]) {
      const altered = Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url')
      const forged = `${header}.${altered}.${signature}`
      expect(await rolesAt(forged)).toEqual([401, undefined, undefined])
      for (const headers of [
        { authorization: `Bearer ${forged}`, ...lies },
        { cookie: `access_token=${forged}; edgeward_admin=${forged}`, 'x-edgeward-admin': forged },
      ])
        expect((await box.askAdmin('/api/v1/sessions', { headers })).status).toBe(401)
    }
  })

  test('has no use of half of the keys of an Admin', async () => {
    const [own, ada] = [await administrationOf(name), await administrationOf('ada')]
    const mixed = [
      { ...own.keys, cookie: ada.keys.cookie },
      { ...own.keys, 'x-edgeward-admin': ada.keys['x-edgeward-admin'] },
    ]
    for (const headers of mixed)
      expect((await box.askAdmin('/api/v1/sessions', { headers })).status).toBe(401)
    const both = { ...own.keys, cookie: `${own.keys.cookie}; ${ada.keys.cookie}` }
    const { status } = await box.askAdmin('/api/v1/sessions', { headers: both })
    expect([401, 403]).toContain(status)
    expect((await box.askAdmin('/api/v1/sessions', { headers: ada.keys })).status).toBe(200)
  })
})

describe('X22: uma, who manages users,', () => {
  const send = async (name: string, method: string, path: string, body?: object) => {
    const { keys } = await administrationOf(name)
    const sent = body === undefined ? { headers: keys } : post(body, keys)
    const { status, text } = await box.askAdmin(`/api/v1${path}`, { ...sent, method })
    const answer = text === '' ? {} : JSON.parse(text)
    return { status, code: answer.code as string | undefined, answer }
  }
  const refused = { status: 403, code: 'above_own' }

  test('makes and manages people who have no more than she has', async () => {
    const person = { name: 'kid', roles: ['UserManager'], password }
    expect(await send('uma', 'POST', '/users', person)).toMatchObject({ status: 201 })
    const changed = await send('uma', 'PATCH', '/users/kid', { profile: { phone: '1' } })
    expect(changed).toMatchObject({ status: 200, answer: { owner: 'uma', profile: { phone: '1' } } })
    expect((await send('uma', 'PUT', '/users/kid/password', { password })).status).toBe(200)
    expect((await send('uma', 'DELETE', '/users/kid')).status).toBe(204)
  })

  test.each(['ada', 'ann', 'amy'])('does nothing to %s, who has what she has not', async (name) => {
    const before = await usersAndApps()
    for (const [method, path, body] of [
      ['PATCH', '', { profile: { email: 'uma@plant.example' } }],
      ['PATCH', '', { roles: ['UserManager'] }],
      ['PATCH', '', { enabled: false }],
      ['PATCH', '', { alias: 'uma2', owner: 'uma' }],
      ['PATCH', '', { totpRequired: false }],
      ['PUT', '/password', { password: 'hers from now on' }],
      ['PUT', '/password', {}],
      ['POST', '/reset-code', undefined],
      ['POST', '/disable', undefined],
      ['POST', '/enable', undefined],
      ['POST', '/unlock', undefined],
      ['DELETE', '', undefined],
    ] as const)
      expect([method, path, await send('uma', method, `/users/${name}${path}`, body)]).toMatchObject([
        ...[method, path, refused],
      ])
    expect(await usersAndApps()).toEqual(before)
    expect(await box.token(name)).toBeDefined()
  })

  test('gives nobody what she has not: not herself, not a new user, not by a role, a group or for a day', async () => {
    const before = await usersAndApps()
    await box.gateway.operate('appGroup.add', { name: 'hall', apps: ['press'] })
    for (const role of ['Admin', 'AppAdmin', 'ConfigManager', 'Operator', 'Viewer'])
      for (const [method, path, body] of [
        ['POST', '/users', { name: 'eve', roles: [role], password }],
        ['POST', '/users', { name: 'eve', roles: ['UserManager', role], password }],
        ['POST', '/users', { name: 'eve', roles: [], scopedRoles: { hall: [role] }, password }],
        ['PATCH', '/users/uma', { roles: [role] }],
        ['PATCH', '/users/uma', { roles: ['UserManager'], scopedRoles: { hall: [role] } }],
        ['POST', '/service-access', { role, hours: 1 }],
      ] as const)
        expect([role, path, await send('uma', method, path, body)]).toMatchObject([role, path, refused])
    expect(await send('uma', 'PATCH', '/users/uma', { copyRolesFrom: 'ada' })).toMatchObject(refused)
    const sly = { name: 'Sly', permissions: { Users: ['ADMIN'], Options: ['READ'] } }
    expect(await send('uma', 'POST', '/roles', sly)).toMatchObject(refused)
    expect(await send('uma', 'POST', '/roles', { ...sly, permissions: {} })).toMatchObject({ status: 201 })
    expect(await send('uma', 'PATCH', '/roles/Sly', { permissions: sly.permissions })).toMatchObject(refused)
    for (const [method, path] of [
      ['PATCH', '/roles/Viewer'],
      ['DELETE', '/roles/UserManager?force=true'],
    ] as const) {
      const { status } = await send('uma', method, path, method === 'PATCH' ? { permissions: {} } : undefined)
      expect([403, 409]).toContain(status)
    }
    expect(await usersAndApps()).toEqual(before)
    expect((await box.audit('access_denied')).some(({ user }) => user === 'uma')).toBe(true)
  })
})

test('X22: an Admin who becomes less is signed out of the administration at once', async () => {
  await box.gateway.operate('user.add', { name: 'bob', roles: ['Admin'], password })
  const { keys } = await administrationOf('bob')
  expect((await box.askAdmin('/api/v1/sessions', { headers: keys })).status).toBe(200)
  await box.gateway.operate('user.set', { name: 'bob', roles: ['AppAdmin'] })
  expect((await box.askAdmin('/api/v1/sessions', { headers: keys })).status).toBe(401)
  const again = await administrationOf('bob')
  expect((await box.askAdmin('/api/v1/sessions', { headers: again.keys })).status).toBe(403)
})

test('X22: the last Admin stays one, whoever asks', async () => {
  for (const [name, params] of [
    ['user.set', { name: 'ada', roles: ['Viewer'] }],
    ['user.disable', { name: 'ada' }],
    ['user.remove', { name: 'ada' }],
  ] as const)
    await expect(box.gateway.operate(name, params), name).rejects.toMatchObject({ code: 'last_admin' })
  const form = {
    method: 'POST',
    headers: formHeader,
    body: new URLSearchParams({ name: 'ada', roles: '' }).toString(),
  }
  for (const path of ['/user.set', '/user.disable', '/user.remove'])
    for (const ask of [box.ask, box.askAsProxy, box.askAdmin])
      expect((await ask(path, form)).status).toBe(404)
  const { keys, roles } = await administrationOf('ada')
  expect(roles).toEqual(['Admin'])
  expect((await box.askAdmin('/api/v1/sessions', { headers: keys })).status).toBe(200)
})
